"""Pair lists: who wears what, one `000003_0.jpg 000010_1.jpg` a line."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vtryon.data.files import TEST, TRAIN, DataError, cloth_folder, listing
from vtryon.data.header import FaultError

LISTS = {
    "unpaired": "test_pairs.txt",
    "paired": "test_pairs_same.txt",
}  # of a test folder


class Pairs(NamedTuple):
    """A pair list and the words by which a table names it."""

    name: str  # of the file
    sha256: str  # of its text with LF line ends
    ids: list[tuple[str, str]]  # (person, cloth): ("000003_0", "000010_1")


def find_pairs(root: str | os.PathLike, split: str, given: str | os.PathLike | None = None) -> Pairs:
    """The pairs of "train", "unpaired" or "paired": the list `given`, or what the folder itself offers.

    Without a list, training takes every person of train_img, "paired" every one of test_img whose own garment is there.
    """
    if given:
        return read_pairs(given)
    if split == "train":
        folder = Path(root) / TRAIN / "train_img"
        return _own_garments(folder, listing(folder))
    path = Path(root) / TEST / LISTS[split]
    if path.is_file():
        return read_pairs(path)
    if split == "unpaired":
        fault = FaultError(
            "missing file",
            "the unpaired test needs it; put the list there or give another, test_pairs=",
        )
        raise DataError.at(path, fault)
    cloths = listing(cloth_folder(root))
    persons = listing(Path(root) / TEST / "test_img")
    return _own_garments(
        Path(root) / TEST / "test_img",
        (who for who in persons if garment_of(who) in cloths),
    )


def read_pairs(path: str | os.PathLike) -> Pairs:
    """A pair list as VITON, CP-VTON+ and VITON-Clean ship it."""
    try:
        text = Path(path).read_bytes().replace(b"\r\n", b"\n")
        lines = [line.split() for line in text.decode().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError.at(path, FaultError("broken pair list", str(error))) from None
    for number, line in enumerate(lines, start=1):
        if len(line) not in (0, 2):
            message = f'line {number} is "{" ".join(line)}", but a line is like "000003_0.jpg 000010_1.jpg"'
            raise DataError.at(path, FaultError("broken pair list", message))
    ids = [(Path(line[0]).stem, Path(line[1]).stem) for line in lines if line]
    if not ids:
        raise DataError.at(path, FaultError("broken pair list", "it names no pair"))
    return Pairs(Path(path).name, hashlib.sha256(text).hexdigest(), ids)


def garment_of(person: str) -> str:
    """VITON's rule: 000003_0 is photographed in 000003_1."""
    return f"{person.removesuffix('_0')}_1"


def _own_garments(folder: Path, persons: Iterable[str]) -> Pairs:
    ids = [(person, garment_of(person)) for person in sorted(persons)]
    if not ids:
        raise DataError.at(
            folder / "*",
            FaultError("empty folder", "no photo (.jpg, .png) whose garment is there"),
        )
    text = "".join(f"{person}.jpg {cloth}.jpg\n" for person, cloth in ids)
    return Pairs(folder.name, hashlib.sha256(text.encode()).hexdigest(), ids)
