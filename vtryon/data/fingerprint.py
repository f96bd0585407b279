"""A short name for the contents of a data folder, by which a result says what it was trained and tested on."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from vtryon.data.files import TEST, TRAIN

READ_WHOLE = 512  # files


def fingerprint(root: str | os.PathLike, *lists: str | os.PathLike) -> str:
    """16 hex digits over the names and sizes of all files, and over the contents of some of them.

    Pair lists and marks (those of the folder, and `lists` from elsewhere) are always read, and of the other files
    `READ_WHOLE`, spread evenly over the sorted names: all of a small folder, while a full VITON folder of 1.5 GB would
    take minutes from a cold disk. An edited JPEG, PNG or JSON file nearly always changes its size, so what may pass
    unseen is a few edited .npy files in a large folder.
    """
    marks = ((path.name, path.stat().st_size) for path in Path(root).glob("*.json"))
    sizes = dict(sorted([*marks, *_files(Path(root), TRAIN), *_files(Path(root), TEST)]))
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
