"""Find pictures whose bytes stand in a folder under another id as well: learnt from twice, or tested and known."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from vtryon.data.checking.contents import Subfolder
from vtryon.data.checking.inspection import Problem
from vtryon.data.duplicates import content_ids

Subfolders = Mapping[tuple[str, str], Subfolder]  # by split and kind


def same_pictures(subfolders: Subfolders, training: Collection[str]) -> Iterator[Problem]:
    """A note for each training photo that came before, and each test picture that a training sample shows.

    `training` are the ids of the training persons: one folder may hold those of the test as well.
    """
    for path, first_path in repeated_photos(subfolders, training).values():
        detail = f"the bytes of {first_path}; data.unique=true trains on each photo once"
        yield Problem(path, "same picture", detail)
    train, test = (_pictures(subfolders, split) for split in ("train", "test"))
    if test:
        contents = content_ids([*train, *test])
        training_pictures = {contents[path]: path for path in train}
        for path in test:
            same_picture = training_pictures.get(contents[path])
            if same_picture is not None and Path(same_picture).stem != Path(path).stem:  # else "in both parts"
                detail = f"the bytes of {same_picture}; a score of it is no test of what was not learnt"
                yield Problem(path, "known from training", detail)


def repeated_photos(subfolders: Subfolders, training: Collection[str]) -> dict[str, tuple[str, str]]:
    """Training persons whose photo came before: the id with its photo and the first one of the same bytes."""
    folder = subfolders.get(("train", "person"))
    if folder is None:
        return {}
    photos = {name: path for name, path in sorted(folder.files.items()) if name in training and not _is_empty(path)}
    contents = content_ids(photos.values())
    first_paths: dict[str, str] = {}
    repeated = {}
    for name, path in photos.items():
        first_path = first_paths.setdefault(contents[path], path)
        if first_path != path:
            repeated[name] = (path, first_path)
    return repeated


def _pictures(subfolders: Subfolders, split: str) -> list[str]:
    folders = (subfolders.get((split, kind)) for kind in ("person", "cloth"))
    files = [path for folder in folders if folder is not None for path in folder.files.values()]
    return [path for path in files if not _is_empty(path)]


def _is_empty(path: str) -> bool:
    """Files without a byte are all alike, and a fault of another kind."""
    return Path(path).stat().st_size == 0
