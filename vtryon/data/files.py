"""Find and read the files of a VITON folder by id; `DataError` names the file, the fault and the remedy."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vtryon.data import decode, header
from vtryon.data.header import FaultError

TRAIN, TEST = "VITON_traindata", "VITON_test"
SUFFIXES = (
    ".npy",
    ".json",
    ".png",
    ".jpg",
    ".jpeg",
)  # of two files for one id the first kind is taken
HEAD = 4096  # bytes that reach the size of nearly every picture
Result = TypeVar("Result")


class DataError(ValueError):
    """A folder or a file of the data cannot be used."""

    @classmethod
    def at(cls, path: str | os.PathLike, fault: FaultError) -> "DataError":
        """Add the path to a fault."""
        part = next(
            (parent for parent in Path(path).parents if parent.name in (TRAIN, TEST)),
            None,
        )
        folder = part.parent if part else "DIR"
        return cls(f"{path}: {fault} (`vtryon data check {folder}` lists every problem of a folder)")


def read(path: str | os.PathLike, decoder: Callable[[bytes], Result]) -> Result:
    """A file through one of `vtryon.data.decode`'s functions."""
    try:
        return decoder(content(path))
    except FaultError as fault:
        raise DataError.at(path, fault) from None


def content(path: str | os.PathLike) -> bytes:
    """All bytes of a file that is there and not empty."""
    return _ends(path, None)[0]


def check_whole(path: str | os.PathLike) -> None:
    """A quick look at a file without decoding it: it is there, of its kind, and not cut off."""
    try:
        suffix = os.fspath(path).rpartition(".")[2].lower()
        if suffix == "json":
            decode.keypoints(content(path))
            return
        head, tail, length = _ends(path, HEAD)
        if suffix == "npy":
            header.array(head, length)
        else:
            _check_picture(path, head, tail)
    except FaultError as fault:
        raise DataError.at(path, fault) from None


def listing(folder: Path) -> dict[str, str]:
    """The files of a folder by id: the name without its suffix, and for poses without "_keypoints"."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        raise DataError.at(folder / "*", FaultError("missing folder", f"{folder} ({error.strerror})")) from None
    kinds: dict[str, dict[str, str]] = {suffix: {} for suffix in SUFFIXES}
    for name in names:
        stem, _, suffix = name.rpartition(".")
        files = kinds.get(f".{suffix.lower()}")
        if files is not None and not name.startswith("."):
            files[stem.removesuffix("_keypoints")] = f"{folder}/{name}"
    return {name: path for suffix in reversed(SUFFIXES) for name, path in kinds[suffix].items()}


def partner(files: dict[str, str], folder: Path, name: str) -> str:
    """The file of `folder` (as `listing` found it) with this id."""
    if name not in files:
        raise DataError.at(
            folder / f"{name}.*",
            FaultError("missing file", "its partners or a pair list name it"),
        )
    return files[name]


def cloth_folder(root: str | os.PathLike) -> Path:
    """VITON's test_clothes, or test_color as DM-VTON packs it."""
    packed = Path(root) / TEST / "test_color"
    return packed if packed.is_dir() else Path(root) / TEST / "test_clothes"


def _ends(path: str | os.PathLike, head: int | None) -> tuple[bytes, bytes, int]:
    """The first `head` bytes (None: all), the last ones, and how many there are; by system calls, which cost half."""
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            length = os.fstat(handle).st_size
            start = os.read(handle, length if head is None else head)
            if len(start) < length:
                os.lseek(handle, -header.TAIL, os.SEEK_END)
            end = start if len(start) == length else os.read(handle, header.TAIL)
        finally:
            os.close(handle)
    except OSError as error:
        kind = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        raise FaultError(kind, error.strerror or str(error)) from None
    if not start:
        raise FaultError("empty", "0 bytes; copy the file again")
    return start, end, length


def _check_picture(path: str | os.PathLike, head: bytes, tail: bytes) -> None:
    try:
        header.picture(head, tail)
    except FaultError as fault:
        if fault.kind != "truncated":
            raise
        data = content(path)  # a thumbnail or a colour profile may stand before the size
        header.picture(data, data)
