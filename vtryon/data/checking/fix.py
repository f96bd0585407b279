"""`vtryon data fix DIR --out DIR2`: a copy of a data folder in which is mended what a program can mend.

Masks are written white on black, and made anew from the garment's picture where they are missing, unreadable, torn,
full or have holes. Photos are turned upright, brought to sRGB and freed of transparency. Palette labels become grey.
Of two files of one id that show the same, the lossless one stays. A training person whose photo came before is left
out with all that belongs to it. Pair lists name each pair once, and only files that are there. The old folder is only
read; the new one is there as a whole or not at all.
"""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from vtryon.data.checking import mending
from vtryon.data.checking.contents import DRAWN_OVER, Subfolder
from vtryon.data.checking.duplicates import repeated_photos
from vtryon.data.checking.summary import report, serious
from vtryon.data.checking.verify import PERSON_KINDS, check, subfolders_of, training_persons
from vtryon.data.files import decode
from vtryon.data.files.layouts import Layout
from vtryon.data.files.names import unread
from vtryon.data.files.pairs import read_pairs
from vtryon.data.files.reader import DataError, layout_of
from vtryon.utils.atomic import atomic_folder

Subfolders = dict[tuple[str, str], Subfolder]  # by split and kind, as `subfolders_of` has them


class Change(NamedTuple):
    """What stands in the place of some files of the old folder."""

    kinds: list[str]  # of the problems that are mended
    replaces: list[Path]
    path: Path | None = None  # of the old folder, the new file's place; None where one of the old files stays
    data: bytes = b""


def fix(root: str | os.PathLike, out: str | os.PathLike, layout: str = "auto") -> list[Change]:
    """Write the mended copy; returns what was changed, without the data.

    Raises:
        DataError: `root` has no known layout, `out` is in use or lies within `root`.
    """
    root, out = Path(root), Path(out)
    if out.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{out}: lies within {root}, which stays as it is; name a folder beside it")
    form = layout_of(root, layout)
    subfolders = subfolders_of(root, form)
    changes = _without_repeated(subfolders, training_persons(root, form, subfolders))
    jobs = [*_file_jobs(subfolders), *_list_jobs(root, form, subfolders)]
    try:
        with atomic_folder(out) as temporary, ThreadPoolExecutor(os.cpu_count()) as pool:
            done = pool.map(lambda job: _write(job(), root, temporary), jobs)
            changes += [change for change in done if change is not None]
            replaced = {str(path) for change in changes for path in change.replaces}
            shutil.copytree(root, temporary, ignore=_those(replaced), dirs_exist_ok=True)
    except FileExistsError as error:
        raise DataError(str(error)) from None
    return changes


def main(root: str | os.PathLike, out: str | os.PathLike, layout: str = "auto") -> int:
    """Write the copy, print what was mended and what is left; 1 where problems are left, 2 where nothing is written."""
    try:
        changes = fix(root, out, layout)
    except (DataError, OSError) as error:
        print(f"vtryon data fix: {error}", file=sys.stderr)
        return 2
    counts = Counter(kind for change in changes for kind in change.kinds)
    for kind, count in counts.most_common():
        print(f"mended: {kind} ({count})")
    left = check(out, layout=layout)
    print(f"{sum(counts.values())} problems and notes mended in {out}. What is left there:\n")
    print(report(left, str(out), mendable=False))
    return 1 if serious(left) else 0


def _without_repeated(subfolders: Subfolders, training: set[str]) -> list[Change]:
    """Take training persons whose photo came before out of `subfolders`, and their files out of the new folder."""
    folders = [subfolders[key] for kind in PERSON_KINDS if (key := ("train", kind)) in subfolders]
    changes = []
    for name in repeated_photos(subfolders, training):
        files = [folder.files.pop(name) for folder in folders if name in folder.files]
        for folder in folders:
            folder.files.twins.pop(name, None)
        changes.append(Change(["same picture"], [Path(file) for file in files]))
    return changes


def _file_jobs(subfolders: Subfolders) -> Iterator[Callable[[], Change | None]]:
    """A job for each id of photos, masks and labels."""
    menders = {decode.photo: _photo, decode.mask: _mask, decode.labels: _labels}
    for folder in subfolders.values():
        mender = menders.get(folder.decoder)
        if mender is None:
            continue
        unread_files = {key: folder.path / name for key, name in unread(folder.path).items() if key not in folder.files}
        keys = {**folder.files, **unread_files}
        if folder.decoder is decode.mask and (photos := _photos_of(folder, subfolders)) is not None:
            keys |= dict.fromkeys(photos.files.keys() - keys.keys())
        for key, path in keys.items():
            yield lambda key=key, path=path, folder=folder, mender=mender: _mend(key, path, folder, mender, subfolders)


def _mend(
    key: str, path: str | Path | None, folder: Subfolder, mender: Callable, subfolders: Subfolders
) -> Change | None:
    """Choose among files of one id, then mend the chosen one."""
    if path is not None and not Path(path).is_file():
        return None
    replaced, kinds = [] if path is None else [Path(path)], []
    if key in folder.files.twins:
        replaced, kinds = [Path(twin) for twin in folder.files.twins[key]], ["two files of one id"]
        best = mending.best_twin({twin.name: twin.read_bytes() for twin in replaced}, folder.decoder)
        if best is None:
            return None
        path = folder.path / best
    mended = mender(key, None if path is None else Path(path).read_bytes(), folder, subfolders)
    if mended is None:
        return Change(kinds, [twin for twin in replaced if twin != path]) if kinds else None
    return Change(kinds + mended.kinds, replaced, folder.path / f"{key}{mended.suffix}", mended.data)


def _photo(key: str, data: bytes, folder: Subfolder, subfolders: Subfolders) -> mending.Mended | None:
    keys = [(folder.split, kind) for kind in DRAWN_OVER.get(folder.kind, ())]
    partners = [subfolders[name] for name in keys if name in subfolders]
    drawn = (  # decoded only if the photo is marked as turned
        partner.decoder(Path(partner.files[key]).read_bytes()).shape for partner in partners if key in partner.files
    )
    return mending.photo(data, drawn)


def _mask(key: str, data: bytes | None, folder: Subfolder, subfolders: Subfolders) -> mending.Mended | None:
    photos = _photos_of(folder, subfolders)
    garment = photos.files.get(key) if photos is not None else None
    return mending.mask(data, None if garment is None else Path(garment).read_bytes())


def _labels(key: str, data: bytes, folder: Subfolder, subfolders: Subfolders) -> mending.Mended | None:
    return mending.labels(data)


def _photos_of(folder: Subfolder, subfolders: Subfolders) -> Subfolder | None:
    """The photos over which the files of `folder` were drawn."""
    for photos, drawn in DRAWN_OVER.items():
        if folder.kind in drawn:
            return subfolders.get((folder.split, photos))
    return None


def _list_jobs(root: Path, layout: Layout, subfolders: Subfolders) -> Iterator[Callable[[], Change | None]]:
    for split, name in layout.lists.items():
        train_or_test = "train" if split == "train" or layout.train == layout.test else "test"
        persons, cloths = subfolders.get((train_or_test, "person")), subfolders.get((train_or_test, "cloth"))
        if persons and cloths and name is not None and (path := root / name).is_file():
            yield lambda path=path, persons=persons, cloths=cloths: _pair_list(path, persons, cloths)


def _pair_list(path: Path, persons: Subfolder, cloths: Subfolder) -> Change | None:
    try:
        ids = read_pairs(path).ids
    except DataError:  # nothing to go by; `data check` says what is wrong
        return None
    present_ids = [{*folder.files, *unread(folder.path)} for folder in (persons, cloths)]  # other formats may be mended
    mended = mending.pairs(ids, *present_ids)  # without what was taken out before
    return None if mended is None else Change(mended.kinds, [path], path, mended.data)


def _write(change: Change | None, root: Path, new_root: Path) -> Change | None:
    if change is None or change.path is None:
        return change
    path = new_root / change.path.relative_to(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(change.data)
    return change._replace(data=b"")


def _those(paths: set[str]) -> Callable[[str, list[str]], set[str]]:
    """For `shutil.copytree`: leave out the files at `paths`."""
    return lambda folder, names: {name for name in names if f"{Path(folder, name)}" in paths}
