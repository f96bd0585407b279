"""`vtryon data check DIR`: everything that is wrong with a VITON folder, in one pass."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from vtryon.data import decode
from vtryon.data.files import TEST, TRAIN, DataError, cloth_folder, content, listing
from vtryon.data.header import FaultError
from vtryon.data.pairs import LISTS, garment_of, read_pairs

AT_ONCE = 256  # files between two steps of the progress bar
Decoder = Callable[[bytes], object]


class Problem(NamedTuple):
    """One thing to mend."""

    path: str
    kind: str  # a few words that problems share
    detail: str


class Subfolder(NamedTuple):
    """One kind of file: how to decode it, and what there is, by id."""

    path: Path
    decoder: Decoder
    files: dict[str, str]


def check(root: str | os.PathLike, progress: Callable[[int, int], object] | None = None) -> list[Problem]:
    """Read every file of the training part, the test part or both; `progress(done, total)` counts files."""
    root = Path(root)
    subfolders = {path.name: Subfolder(path, decoder, listing(path)) for path, decoder in _present(root)}
    problems = [
        *_absent(root),
        *_unmatched_training(subfolders),
        *_unmatched_test(root, subfolders),
    ]
    for person in sorted(_ids(subfolders, "train_img") & _ids(subfolders, "test_img")):
        problems.append(
            Problem(
                subfolders["test_img"].files[person],
                "in both parts",
                f"{person} is in train_img too",
            )
        )
    return problems + _contents(list(subfolders.values()), progress or (lambda done, total: None))


def report(problems: Iterable[Problem]) -> str:
    """The problems under a heading for each kind, the most frequent first."""
    kinds = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(f"  {problem.path}: {problem.detail}")
    if not kinds:
        return "No problem found."
    lines = []
    for kind, found in sorted(kinds.items(), key=lambda item: -len(item[1])):
        lines += [f"{kind} ({len(found)})", *sorted(found), ""]
    return "\n".join([*lines, f"{sum(map(len, kinds.values()))} problems"])


def main(root: str | os.PathLike) -> int:
    """Check with a progress bar; the exit code is 1 when there is a problem."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    columns = (
        TextColumn("files"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("files", total=None)
            problems = check(root, lambda done, total: bar.update(task, completed=done, total=total))
    except DataError as error:
        console.print(str(error))
        return 1
    console.print(report(problems))
    return 1 if problems else 0


def _expected(root: Path) -> dict[Path, Decoder]:
    """The subfolders of the parts that are there."""
    train, test = root / TRAIN, root / TEST
    expected: dict[Path, Decoder] = {}
    if train.is_dir():
        expected |= {
            train / "train_img": decode.photo,
            train / "train_color": decode.photo,
        }
        expected |= {
            train / "train_edge": decode.mask,
            train / "train_label": decode.labels,
        }
        expected |= {
            train / "train_pose": decode.keypoints,
            train / "train_densepose": decode.densepose,
        }
    if test.is_dir():
        expected |= {
            test / "test_img": decode.photo,
            cloth_folder(root): decode.photo,
            test / "test_edge": decode.mask,
        }
    if not expected:
        raise DataError(f"{root} is no VITON folder: it has neither {TRAIN} nor {TEST}; give the folder above them")
    return expected


def _present(root: Path) -> Iterator[tuple[Path, Decoder]]:
    optional = {
        root / TRAIN / "train_flow": decode.flow,
        root / TEST / "test_flow": decode.flow,
    }
    optional[root / TEST / "test_truth"] = decode.photo
    return ((path, decoder) for path, decoder in (_expected(root) | optional).items() if path.is_dir())


def _absent(root: Path) -> Iterator[Problem]:
    for path in _expected(root):
        if not path.is_dir():
            yield Problem(str(path), "missing folder", "a VITON folder needs it")


def _ids(subfolders: dict[str, Subfolder], *names: str) -> set[str]:
    return {name for folder in names if folder in subfolders for name in subfolders[folder].files}


def _missing(subfolders: dict[str, Subfolder], ids: Iterable[str], *names: str) -> Iterator[Problem]:
    """A problem for each of `ids` in each of the subfolders where it has no file."""
    ids = sorted(ids)
    for folder in (subfolders[name] for name in names if name in subfolders):
        for name in ids:
            if name not in folder.files:
                yield Problem(
                    str(folder.path / f"{name}.*"),
                    "missing file",
                    "other files belong to it",
                )


def _unmatched_training(subfolders: dict[str, Subfolder]) -> Iterator[Problem]:
    person_files = (
        "train_img",
        "train_label",
        "train_pose",
        "train_densepose",
        "train_flow",
    )
    persons = _ids(subfolders, *person_files)
    garments = {garment_of(person) for person in persons} | _ids(subfolders, "train_color", "train_edge")
    yield from _missing(subfolders, persons, *person_files)
    yield from _missing(subfolders, garments, "train_color", "train_edge")


def _unmatched_test(root: Path, subfolders: dict[str, Subfolder]) -> Iterator[Problem]:
    if not (root / TEST).is_dir():
        return
    cloths = cloth_folder(root).name
    yield from _missing(subfolders, _ids(subfolders, cloths, "test_edge"), cloths, "test_edge")
    for split, name in LISTS.items():
        path = root / TEST / name
        if not path.is_file():
            if split == "unpaired":
                yield Problem(str(path), "missing file", "the unpaired test needs it")
            continue
        try:
            pairs = read_pairs(path).ids
        except DataError as error:
            yield Problem(str(path), "broken pair list", str(error))
            continue
        for person, cloth in pairs:
            for wanted, folder in ((person, "test_img"), (cloth, cloths)):
                if folder in subfolders and wanted not in subfolders[folder].files:
                    yield Problem(
                        str(path),
                        "pair without file",
                        f"{person} {cloth}: {folder} has no {wanted}",
                    )
        made = {f"{person}__{cloth}" for person, cloth in pairs}
        yield from _missing(
            subfolders,
            made,
            "test_flow",
            *(["test_truth"] if split == "unpaired" else []),
        )


def _contents(subfolders: list[Subfolder], progress: Callable[[int, int], object]) -> list[Problem]:
    """Decode every file; a size is wrong when most files have another."""
    files = [(path, folder.decoder) for folder in subfolders for path in folder.files.values()]
    found: list[Problem | tuple[int, int] | None] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(files), AT_ONCE):
            found += pool.map(lambda file: _inspect(*file), files[start : start + AT_ONCE])
            progress(len(found), len(files))
    sizes = Counter(size for size in found if type(size) is tuple)
    usual = sizes.most_common(1)[0][0] if sizes else None
    problems = []
    for (path, _), result in zip(files, found, strict=True):
        if isinstance(result, Problem):
            problems.append(result)
        elif result not in (None, usual):
            detail = "{}x{}, but most files are {}x{} (height x width)".format(*result, *usual)
            problems.append(Problem(path, "wrong size", detail))
    return problems


def _inspect(path: str, decoder: Decoder) -> Problem | tuple[int, int] | None:
    """The size (h, w) of what the file holds, or what is wrong with it."""
    try:
        values = decoder(content(path))
        if decoder is decode.mask and not (values > 127).any():
            raise FaultError("empty mask", "no pixel of the garment is white; make the mask again")
    except FaultError as fault:
        return Problem(path, fault.kind, fault.detail)
    if decoder is decode.keypoints:
        return None
    return values.shape[1:] if decoder is decode.flow else values.shape[:2]
