"""`vtryon data unpack`: a zip or tar archive from anywhere, all of it inside one new folder or nothing at all."""

import lzma
import shutil
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from vtryon.data.files.reader import DataError
from vtryon.utils.atomic import atomic_folder
from vtryon.utils.file_kind import HEAD, file_kind

MOST_RATIO, SPARE = 200, 2**20  # all files together hold at most so many bytes for each of the archive's, and a little
MOST_FILES = 10**6
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # zipfile: encrypted, or compressed in a way it does not know
    ValueError,
)


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    size: int  # bytes, unpacked
    open: Callable[[], BinaryIO]


def unpack(archive: Path, folder: Path) -> int:
    """Unpack into `folder`, which must not exist or be empty; returns how many files it holds.

    Raises:
        DataError: the archive is broken, would write outside the folder, holds links or devices, or is a bomb; or the
            folder is in use. Then nothing has been written.
    """
    try:
        with atomic_folder(folder) as temporary, _named(archive), _members(archive) as members:
            count = sum(_write(member, temporary) for member in _within(archive, members))
    except FileExistsError as error:
        raise DataError(str(error)) from None
    return count


@contextmanager
def _named(archive: Path) -> Iterator[None]:
    """Whatever a broken archive makes the libraries raise, the path stands in front."""
    try:
        yield
    except DataError:
        raise
    except BROKEN as error:
        with archive.open("rb") as file:
            kind = file_kind(file.read(HEAD))
        if kind is not None:
            raise DataError(f"{archive}: no zip or tar archive but {kind.name}; {kind.remedy}") from error
        raise DataError(f"{archive}: broken, or no zip or tar archive ({error}); copy the file again") from error
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked ({error})") from error


@contextmanager
def _members(archive: Path) -> Iterator[Iterator[Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield _zipped(file)
    else:
        with tarfile.open(archive) as file:
            yield _tarred(file)


def _zipped(file: zipfile.ZipFile) -> Iterator[Member]:
    for info in file.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir():
            _safe(info.filename)
        elif kind not in (0, stat.S_IFREG):
            raise DataError(f"{file.filename}: {info.filename!r} is a link or a device; only files are unpacked")
        else:
            yield Member(info.filename, info.file_size, lambda info=info: file.open(info))


def _tarred(file: tarfile.TarFile) -> Iterator[Member]:
    for info in file:
        if info.isdir():
            _safe(info.name)
        elif not info.isreg():
            raise DataError(f"{file.name}: {info.name!r} is a link or a device; only files are unpacked")
        else:
            yield Member(info.name, info.size, lambda info=info: file.extractfile(info))
    file.fileobj.seek(file.offset)
    trailing_bytes = file.fileobj.read(SPARE)  # to its last byte, where a compressed file has its checksum
    if not trailing_bytes.startswith(bytes(tarfile.BLOCKSIZE)):  # tarfile takes a cut between two members for the end
        raise DataError(f"{file.name}: cut off; copy the file again")


def _within(archive: Path, members: Iterator[Member]) -> Iterator[Member]:
    """The members as long as all of them together stay within bounds; they are counted before they are opened."""
    limit, total = MOST_RATIO * archive.stat().st_size + SPARE, 0
    for count, member in enumerate(members):
        total += member.size
        if total > limit or count >= MOST_FILES:
            raise DataError(
                f"{archive}: a bomb: it would unpack to more than {limit / 2**20:.0f} MiB or {MOST_FILES:,} files"
            )
        yield member


def _write(member: Member, folder: Path) -> int:
    path = folder / _safe(member.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as target, member.open() as source:
        shutil.copyfileobj(source, target)
    return 1


def _safe(name: str) -> PurePosixPath:
    """A name that stays in the folder, on any system."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name or not path.parts:
        raise DataError(f"{name!r} would be written outside the folder; do not trust this archive")
    return path


def main(archive: Path, folder: Path) -> int:
    """The verb; exit code 2 where nothing was unpacked."""
    try:
        print(f"{unpack(archive, folder)} files in {folder}")
    except DataError as error:
        print(f"vtryon data unpack: {error}", file=sys.stderr)
        return 2
    return 0
