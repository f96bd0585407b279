"""`vtryon data check DIR`: everything that is wrong with a data folder, in one pass, whatever its layout."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vtryon.data.checking.contents import Subfolder, contents
from vtryon.data.checking.duplicates import same_pictures
from vtryon.data.checking.inspection import Decoder, Problem
from vtryon.data.checking.summary import report, serious
from vtryon.data.files import decode
from vtryon.data.files.layouts import Layout, Split
from vtryon.data.files.names import OTHER_PICTURES, absent, twins, unread
from vtryon.data.files.pairs import Pairs, check_exchanged, check_worn, read_pairs
from vtryon.data.files.reader import DataError, files_of, layout_of
from vtryon.utils.atomic import atomic_write

PERSON_KINDS, CLOTH_KINDS = ("person", "labels", "pose", "densepose", "flow"), ("cloth", "edge")
UNREAD_LIST = "train_pairs.txt"  # VITON-HD's own, which pairs persons with garments that they do not wear
NEEDED = ("person", "cloth")  # folders without which a split is of no use


def check(
    root: str | os.PathLike, progress: Callable[[int, int], object] | None = None, layout: str = "auto"
) -> list[Problem]:
    """Read every file of the training part, the test part or both; `progress(done, total)` counts files."""
    root = Path(root)
    form = layout_of(root, layout)
    subfolders = subfolders_of(root, form)
    problems = [*_absent(root, form), *_unreadable_names(subfolders), *_unmatched(root, form, subfolders)]
    problems += _lists(root, form, subfolders)
    problems += same_pictures(subfolders, training_persons(root, form, subfolders))
    if form.train != form.test:
        problems += _in_both_parts(form, subfolders)
    return problems + contents(list(subfolders.values()), progress or (lambda done, total: None))


def subfolders_of(root: Path, layout: Layout) -> dict[tuple[str, str], Subfolder]:
    """The folders that are there, by split and kind, with how their files are read."""
    splits = {"train": layout.train} | ({"test": layout.test} if layout.test != layout.train else {})
    subfolders = {}
    for name, split in splits.items():
        for kind, decoder in _decoders(layout).items():
            files = files_of(root, layout, split, kind)
            if files is not None:
                subfolders[name, kind] = Subfolder(root / getattr(split, kind), decoder, files, name, kind)
    return subfolders


def main(
    root: str | os.PathLike,
    everything: bool = False,
    out: str | os.PathLike | None = None,
    layout: str = "auto",
) -> int:
    """Check with a progress bar and print a summary; the exit code is 1 when there is a problem, notes aside.

    `everything` prints all problems instead of a few examples of each kind, `out` writes all of them to a file.
    """
    console = Console(soft_wrap=True, highlight=False, markup=False)
    columns = (TextColumn("files"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("files", total=None)
            problems = check(root, lambda done, total: bar.update(task, completed=done, total=total), layout)
        if out is not None:
            with atomic_write(out) as temporary:
                temporary.write_text(report(problems, str(root), examples=None) + "\n", encoding="utf-8")
        console.print(f"layout: {layout_of(root, layout).name}")
    except (DataError, OSError) as error:
        console.print(str(error))
        return 1
    console.print(report(problems, str(root), **({"examples": None} if everything else {})))
    return 1 if serious(problems) else 0


def _decoders(layout: Layout) -> dict[str, Decoder]:
    return {
        "person": decode.photo,
        "cloth": decode.photo,
        "edge": decode.mask,
        "labels": layout.read_labels,
        "pose": decode.keypoints,
        "densepose": decode.densepose,
        "truth": decode.photo,
        "flow": decode.flow,
    }


def _absent(root: Path, layout: Layout) -> Iterator[Problem]:
    """Folders that a split lacks, of those splits that are there."""
    for split in dict.fromkeys((layout.train, layout.test)):
        if not (root / split.folder).is_dir():
            continue
        for kind in NEEDED:
            folder = root / getattr(split, kind)
            if not folder.is_dir():
                yield Problem(str(folder), "missing folder", "photos and garments are needed")
        for kind in ("edge", "labels", "pose", "densepose") if split is layout.train else ("edge",):
            folder = getattr(split, kind)
            if folder is not None and files_of(root, layout, split, kind) is None:
                yield Problem(str(root / folder), *WITHOUT[kind])


WITHOUT = {  # what happens where a folder is missing
    "edge": ("no masks", "garment masks are made from the garment pictures"),
    "labels": ("no parse maps", "a tutor cannot be trained; a student can learn from another network"),
    "pose": ("no poses", "a tutor cannot be trained; a student can learn from another network"),
    "densepose": ("no body parts", "the 25 parts are drawn from parse maps and poses"),
}


def _missing(folder: Subfolder, ids: Iterable[str]) -> Iterator[Problem]:
    """A problem for each of `ids` that has no file in the folder."""
    instead = unread(folder.path)
    for name in sorted(ids):
        if name in folder.files or instead.get(name, "").lower().endswith(OTHER_PICTURES):
            continue
        fault = absent(name, instead)
        kind = "missing mask" if folder.kind == "edge" and name not in instead else fault.kind
        yield Problem(str(folder.path / f"{name}.*"), kind, fault.detail)


def _unreadable_names(subfolders: dict[tuple[str, str], Subfolder]) -> Iterator[Problem]:
    """Several files of one id, and pictures in formats that are not read."""
    for folder in subfolders.values():
        for paths in folder.files.twins.values():
            fault = twins(paths)
            yield Problem(paths[0], fault.kind, fault.detail)
        instead = unread(folder.path)
        for name, file in instead.items():
            if name not in folder.files and file.lower().endswith(OTHER_PICTURES):
                fault = absent(name, instead)
                yield Problem(str(folder.path / file), fault.kind, fault.detail)


def _unmatched(root: Path, layout: Layout, subfolders: dict[tuple[str, str], Subfolder]) -> Iterator[Problem]:
    """Files whose partners are missing: those of a training person, and a garment and its mask."""
    persons = training_persons(root, layout, subfolders)
    garments = {layout.garment_of(person) for person in persons} | _ids(subfolders, "train", CLOTH_KINDS)
    for split, kinds, ids in (
        ("train", PERSON_KINDS, persons),
        ("train", CLOTH_KINDS, garments),
        ("test", CLOTH_KINDS, _ids(subfolders, "test", CLOTH_KINDS)),
    ):
        for kind in kinds:
            if (split, kind) in subfolders:
                yield from _missing(subfolders[split, kind], ids)


def training_persons(root: Path, layout: Layout, subfolders: dict[tuple[str, str], Subfolder]) -> set[str]:
    """Everybody in the training folders, or, where one folder holds both splits, in the training list."""
    persons = _ids(subfolders, "train", PERSON_KINDS)
    if layout.train != layout.test:
        return persons
    try:
        return {person for person, _ in read_pairs(root / layout.lists["train"]).ids}
    except DataError:  # `_lists` tells what is wrong with it
        return persons


def _in_both_parts(layout: Layout, subfolders: dict[tuple[str, str], Subfolder]) -> Iterator[Problem]:
    for person in sorted(_ids(subfolders, "train", ("person",)) & _ids(subfolders, "test", ("person",))):
        path = subfolders["test", "person"].files[person]
        yield Problem(path, "in both parts", f"{person} is in {Path(layout.train.person).name} too")


def _ids(subfolders: dict[tuple[str, str], Subfolder], split: str, kinds: Iterable[str]) -> set[str]:
    return {name for kind in kinds if (split, kind) in subfolders for name in subfolders[split, kind].files}


def _lists(root: Path, layout: Layout, subfolders: dict[tuple[str, str], Subfolder]) -> Iterator[Problem]:
    """Pair lists that cannot be read, name what is not there, or give persons what they do not wear."""
    for split, name in layout.lists.items():
        train_or_test = "train" if split == "train" or layout.train == layout.test else "test"
        folders: Split = layout.train if train_or_test == "train" else layout.test
        if name is None and split == "train" and (root / UNREAD_LIST).is_file():
            detail = (
                f"{layout.name} pairs every person with the own garment; data.train_pairs= takes a list of worn pairs"
            )
            yield Problem(str(root / UNREAD_LIST), "list not read", detail)
        if name is None or not (root / folders.folder).is_dir():
            continue
        path = root / name
        if not path.is_file():
            if split == "unpaired":
                yield Problem(str(path), "missing file", "the unpaired test needs it")
            continue
        try:
            pairs = read_pairs(path)
        except DataError as error:
            yield Problem(str(path), *_told(error))
            continue
        yield from _pairs_without_files(path, pairs, train_or_test, subfolders)
        try:
            if split == "unpaired":
                check_exchanged(pairs, path, layout)
            elif (train_or_test, "cloth") in subfolders:
                check_worn(pairs, path, layout, subfolders[train_or_test, "cloth"].files)
        except DataError as error:
            yield Problem(str(path), *_told(error))
        pair_ids = {f"{person}__{cloth}" for person, cloth in pairs.ids}
        for kind in ("flow", *(["truth"] if split == "unpaired" else [])) if train_or_test == "test" else ():
            if (train_or_test, kind) in subfolders:
                yield from _missing(subfolders[train_or_test, kind], pair_ids)


def _told(error: DataError) -> tuple[str, str]:
    """Kind and detail of an error, whose path stands beside them."""
    return (error.fault.kind, error.fault.detail) if error.fault else ("broken pair list", str(error))


def _pairs_without_files(
    path: Path, pairs: Pairs, split: str, subfolders: dict[tuple[str, str], Subfolder]
) -> Iterator[Problem]:
    for (person, cloth), count in Counter(pairs.ids).items():
        if count > 1:
            yield Problem(str(path), "pair twice", f"{person} {cloth}: on {count} lines")
        for name, kind in ((person, "person"), (cloth, "cloth")):
            folder = subfolders.get((split, kind))
            if folder is not None and name not in folder.files:
                detail = f"{person} {cloth}: {folder.path.name} has no {name}"
                yield Problem(str(path), "pair without file", detail)
