"""Find and read the files of a VITON folder by id; `DataError` names the file, the fault and the remedy."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vtryon.data.files import decode, header
from vtryon.data.files.header import FaultError
from vtryon.data.files.layouts import Layout, Split, find_layout
from vtryon.data.files.names import Names

SPLITS = ("VITON_traindata", "VITON_test", "train", "test")  # folders right below a root
HEAD = 4096  # bytes that reach the size of nearly every picture
Result = TypeVar("Result")


class DataError(ValueError):
    """A folder or a file of the data cannot be used; `fault` is what is wrong, where one file or folder is."""

    fault: FaultError | None = None

    @classmethod
    def at(cls, path: str | os.PathLike, fault: FaultError) -> "DataError":
        """Add the path to a fault."""
        splits = (parent for parent in Path(path).parents if parent.name in SPLITS)
        folder = next((split.parent for split in splits), "DIR")
        error = cls(f"{path}: {fault} (`vtryon data check {folder}` lists every problem of a folder)")
        error.fault = fault
        return error


def read(path: str | os.PathLike, decoder: Callable[[bytes], Result]) -> Result:
    """A file through one of `vtryon.data.files.decode`'s functions."""
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
            _check_picture(path, head, tail, length)
    except FaultError as fault:
        raise DataError.at(path, fault) from None


def listing(folder: Path) -> Names:
    """The files of a folder by id: the name without its suffix, and for poses without "_keypoints"."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError as error:
        raise DataError.at(folder / "*", FaultError("missing folder", f"{folder} ({error.strerror})")) from None
    return Names(folder, names)


def partner(files: Names, folder: Path, name: str) -> str:
    """The file of `folder` (as `listing` found it) with this id."""
    fault = files.fault(folder, name)
    if fault is not None:
        raise DataError.at(folder / f"{name}.*", fault)
    return files[name]


def files_of(root: str | os.PathLike, layout: Layout, split: Split, kind: str) -> Names | None:
    """The files of one kind, a field of `Split`, by the id that they belong to; None where their folder is missing.

    Body parts are looked for among arrays and PNG files: pictures in colours, which VITON-HD has, tell no part.
    """
    name = getattr(split, kind)
    if name is None or not (Path(root) / name).is_dir():
        return None
    files = listing(Path(root) / name)
    files = files.ending(*layout.endings[kind]) if kind in layout.endings else files
    if kind == "densepose" and not any(path.endswith((".npy", ".png")) for path in files.values()):
        return None
    return files


def layout_of(root: str | os.PathLike, name: str = "auto") -> Layout:
    """`find_layout`, with an error that says which folder it is about."""
    try:
        return find_layout(root, name)
    except FaultError as fault:
        raise DataError(str(fault)) from None


def _ends(path: str | os.PathLike, head: int | None) -> tuple[bytes, bytes, int]:
    """The first `head` bytes (None: all), the last ones, and how many there are; by system calls, which cost half."""
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            length = os.fstat(handle).st_size
            head_bytes = os.read(handle, length if head is None else head)
            if len(head_bytes) < length:
                os.lseek(handle, -header.TAIL, os.SEEK_END)
            tail_bytes = head_bytes if len(head_bytes) == length else os.read(handle, header.TAIL)
        finally:
            os.close(handle)
    except OSError as error:
        kind = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        raise FaultError(kind, error.strerror or str(error)) from None
    if not head_bytes:
        raise FaultError("empty", "0 bytes; copy the file again")
    return head_bytes, tail_bytes, length


def _check_picture(path: str | os.PathLike, head: bytes, tail: bytes, length: int) -> None:
    try:
        header.picture(head, tail, length)
    except FaultError as fault:
        if fault.kind != "truncated":
            raise
        data = content(path)  # a thumbnail or a colour profile may stand before the size
        header.picture(data, data)
