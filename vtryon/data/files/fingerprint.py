"""A short name for the contents of a data folder, by which a result says what it was trained and tested on."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from vtryon.data.files.reader import SPLITS

READ_WHOLE = 512  # files
DRAWN_MARK = "synthetic.json"  # lies in a folder of procedural people
DRAWN_PEOPLE = "drawn people"


def fingerprint(root: str | os.PathLike, *lists: str | os.PathLike) -> str:
    """16 hex digits over the names and sizes of all files, and over the contents of some of them.

    Pair lists and marks (those of the folder, and `lists` from elsewhere) are always read, and of the other files
    `READ_WHOLE`, spread evenly over the sorted names: all of a small folder, while a full VITON folder of 1.5 GB would
    take minutes from a cold disk. An edited JPEG, PNG or JSON file nearly always changes its size, so what may pass
    unseen is a few edited .npy files in a large folder.
    """
    above = [*Path(root).glob("*.json"), *Path(root).glob("*.txt")]
    sizes = {path.name: path.stat().st_size for path in above}
    for folder in SPLITS:
        sizes |= dict(_files(Path(root), folder))
    sizes = dict(sorted(sizes.items()))
    names = list(sizes)
    step = max(1, len(names) / READ_WHOLE)
    read = {names[int(i * step)] for i in range(min(len(names), READ_WHOLE))}
    digest = hashlib.sha256()
    for name, size in sizes.items():
        digest.update(f"{name}\0{size}\0".encode())
        if name in read or name.count("/") < 2:
            digest.update(hashlib.sha256(Path(root, name).read_bytes()).digest())
    for path in lists:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:16]


def described(root: str | os.PathLike, fingerprint: str) -> dict[str, str]:
    """What a network's file says of the folder `root` that it was trained on: a name and the fingerprint."""
    return {"name": name_of(root), "fingerprint": fingerprint}


def training_notice(trained_on: Mapping[str, str] | None) -> str | None:
    """One line on what a network was trained on, as `described`; None where its file does not tell."""
    if trained_on is None:
        return None
    name, data_fingerprint = trained_on.get("name"), trained_on.get("fingerprint")
    if name == DRAWN_PEOPLE:
        return "the network was trained on drawn people only: faces will be lost"
    return f"the network was trained on {name}" + (f" (fingerprint {data_fingerprint})" if data_fingerprint else "")


def name_of(root: str | os.PathLike) -> str:
    """The name of the data in the folder `root`: drawn people, or the folder's own."""
    root = Path(root)
    return DRAWN_PEOPLE if (root / DRAWN_MARK).is_file() else root.absolute().name


def alike(first: str | None, second: str | None) -> bool:
    """Whether two names of data are both of drawn people or both of photographs; an unknown one fits either.

    Example:
        >>> alike("drawn people", "VITON"), alike("VITON", "mine"), alike(None, "VITON")
        (False, True, True)
    """
    return None in (first, second) or (first == DRAWN_PEOPLE) == (second == DRAWN_PEOPLE)


def _files(root: Path, folder: str) -> Iterator[tuple[str, int]]:
    """Names below `root` and sizes in bytes of all files in `folder`."""
    if not (root / folder).is_dir():
        return
    for entry in os.scandir(root / folder):
        name = f"{folder}/{entry.name}"
        if entry.is_dir():
            yield from _files(root, name)
        else:
            yield name, entry.stat().st_size
