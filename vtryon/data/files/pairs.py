"""Pair lists: who wears what, one `000003_0.jpg 000010_1.jpg` a line."""

import codecs
import hashlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vtryon.data.files.header import FaultError
from vtryon.data.files.layouts import Layout
from vtryon.data.files.names import OTHER_PICTURES, Names, unread
from vtryon.data.files.reader import DataError, files_of, layout_of

log = logging.getLogger(__name__)


class Pairs(NamedTuple):
    """A pair list and the words by which a table names it."""

    name: str  # of the file
    sha256: str  # of its text with LF line ends
    ids: list[tuple[str, str]]  # (person, cloth): ("000003_0", "000010_1")


def find_pairs(
    root: str | os.PathLike, split: str, list_path: str | os.PathLike | None = None, layout: Layout | None = None
) -> Pairs:
    """The pairs of "train", "unpaired" or "paired": those of the list at `list_path`, or what the folder offers.

    Without a list, training takes every photo, and "paired" every test photo whose own garment is there; photos in
    formats that are not read are named as well, so that none is left out unsaid. A pair that stands in a list several
    times counts once, so that all scores are of one set.
    """
    if list_path:
        return _once(read_pairs(list_path))
    layout, root = layout or layout_of(root), Path(root)
    named = layout.lists[split]
    if named is not None and (root / named).is_file():
        return _once(read_pairs(root / named))
    if split == "unpaired":
        remedy = "the unpaired test needs it; put the list there or give another, data.test_pairs="
        raise DataError.at(root / named, FaultError("missing file", remedy))
    folders = layout.train if split == "train" else layout.test
    persons = files_of(root, layout, folders, "person")
    if persons is None:
        raise DataError.at(root / folders.person / "*", FaultError("missing folder", f"{root / folders.person}"))
    cloths = files_of(root, layout, folders, "cloth") if split == "paired" else None
    everyone = {*persons, *_in_other_formats(root / folders.person, layout)}
    wearers = [person for person in everyone if cloths is None or layout.garment_of(person) in cloths]
    return _own_garments(root / folders.person, wearers, layout)


def _in_other_formats(folder: Path, layout: Layout) -> list[str]:
    """The persons whose photo is a picture that nobody here reads; matching their files says so."""
    ending = layout.endings.get("person", ("", ""))[0]
    return [
        name for name, file in unread(folder).items() if file.lower().endswith(OTHER_PICTURES) and name.endswith(ending)
    ]


def _once(pairs: Pairs) -> Pairs:
    ids = list(dict.fromkeys(pairs.ids))
    if len(ids) < len(pairs.ids):
        log.warning("%s: %d lines repeat a pair, which counts once", pairs.name, len(pairs.ids) - len(ids))
    return pairs._replace(ids=ids)


def check_worn(pairs: Pairs, path: str | os.PathLike, layout: Layout, cloths: Names) -> None:
    """Stop at a list for training, or of paired tests, that gives persons garments which they do not wear.

    A person's own garment is known by its id; a person whose own garment is not in the folder may wear any other.

    Raises:
        DataError: naming the first such line, and how many there are.
    """
    wrong = []
    for person, cloth in pairs.ids:
        own_garment = layout.garment_of(person)
        if cloth != own_garment and own_garment in cloths:
            wrong.append((person, cloth, own_garment))
    if wrong:
        person, cloth, own_garment = wrong[0]
        message = f"{len(wrong)} of {len(pairs.ids)} lines give a person a garment that is not the own one"
        example = f"such as {person} {cloth} ({person} wears {own_garment})"
        remedy = "give a list of worn pairs, or none: then every person is paired with the own garment"
        raise DataError.at(path, FaultError("not worn", f"{message}, {example}; {remedy}"))


def check_exchanged(pairs: Pairs, path: str | os.PathLike, layout: Layout) -> None:
    """Stop at an unpaired list most of whose lines give the person the own garment: it is the paired one.

    Raises:
        DataError: naming the first such line, and how many there are.
    """
    worn_pairs = [pair for pair in pairs.ids if pair[1] == layout.garment_of(pair[0])]
    if len(worn_pairs) > len(pairs.ids) / 2:
        example = " ".join(worn_pairs[0])
        message = f"{len(worn_pairs)} of {len(pairs.ids)} lines give a person the own garment, such as {example}"
        remedy = "an unpaired list exchanges garments: give one with data.test_pairs="
        raise DataError.at(path, FaultError("not exchanged", f"{message}; {remedy}"))


def list_text(data: bytes) -> str:
    """The text of a list in UTF-8 or, as some editors save it, in UTF-16, without a byte-order mark."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig")


def read_pairs(path: str | os.PathLike) -> Pairs:
    """A pair list as VITON, CP-VTON+ and VITON-Clean ship it."""
    try:
        text = list_text(Path(path).read_bytes()).replace("\r\n", "\n").encode()
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


def _own_garments(folder: Path, persons: Iterable[str], layout: Layout) -> Pairs:
    ids = [(person, layout.garment_of(person)) for person in sorted(persons)]
    if not ids:
        raise DataError.at(
            folder / "*",
            FaultError("empty folder", "no photo (.jpg, .png) whose garment is there"),
        )
    text = "".join(f"{person}.jpg {cloth}.jpg\n" for person, cloth in ids)
    return Pairs(folder.name, hashlib.sha256(text.encode()).hexdigest(), ids)
