"""What the first and last bytes of a file tell: the size of a picture or an array, and whether the file is whole."""

import ast
import functools
import math
import struct
from typing import NamedTuple

import numpy as np

from vtryon.utils.file_kind import file_kind

MOST_PIXELS = 2**26  # 8192x8192: what is larger is no photo but a decompression bomb
TAIL = 1024  # bytes in which the end marker must lie; some cameras pad after it
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_PNG_PALETTE = 3


class FaultError(ValueError):
    """What is wrong with the bytes of a file: `kind` is a few words to group by, `detail` explains."""

    def __init__(self, kind: str, detail: str):
        super().__init__(f"{kind}: {detail}")
        self.kind, self.detail = kind, detail


class Picture(NamedTuple):
    """The header of a JPEG, PNG or WebP file."""

    size: tuple[int, int]  # (h, w), as stored
    channels: int
    palette: bool = False
    depth: int = 8  # bits a channel
    tagged: bool = False  # EXIF or a colour profile is inside, which `vtryon.data.files.camera_tags` applies


class Array(NamedTuple):
    """The header of a .npy file."""

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    offset: int  # where the numbers begin


def picture(head: bytes, tail: bytes, length: int | None = None) -> Picture:
    """Read a picture's first bytes, enough of them to reach its size, and look for its end in the last.

    `length` is that of the file, which a WebP file announces (None: that of `head`).
    """
    if head.startswith(b"\xff\xd8"):
        fields, end_marker = _jpeg(head), b"\xff\xd9"
    elif head.startswith((b"\x89PNG\r\n\x1a\n", b"RIFF")) and len(head) < 30:
        raise FaultError("truncated", f"only {len(head)} bytes; copy the file again")
    elif head.startswith(b"\x89PNG\r\n\x1a\n"):
        fields, end_marker = _png(head), b"IEND"
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        fields, end_marker = _webp(head), b""
        if 8 + int.from_bytes(head[4:8], "little") > (len(head) if length is None else length):
            raise FaultError("truncated", "the picture's end is missing; copy the file again")
    else:
        raise unknown(head, "neither a JPEG nor a PNG file, nor WebP")
    if math.prod(fields.size) > MOST_PIXELS:
        raise FaultError(
            "too large",
            f"{fields.size[0]}x{fields.size[1]} pixels, at most {MOST_PIXELS:,} are read",
        )
    if tail.rfind(end_marker, max(0, len(tail) - TAIL)) < 0:
        raise FaultError("truncated", "the picture's end is missing; copy the file again")
    return fields


def unknown(head: bytes, expected: str) -> FaultError:
    """The error of a file that does not begin as its reader expects: what it is instead, where that can be seen."""
    kind = file_kind(head)
    if kind is None:
        return FaultError("unreadable", expected)
    return FaultError("another kind of file", f"{kind.name}, {expected}; {kind.remedy}")


def array(head: bytes, length: int) -> Array:
    """Read the first bytes of a .npy file of `length` bytes."""
    if not head.startswith(b"\x93NUMPY") or len(head) < 12:
        raise unknown(head, "not a .npy file")
    begin = 10 if head[6] == 1 else 12  # version 1 counts the header's bytes in two bytes, later ones in four
    offset = begin + int.from_bytes(head[8:begin], "little")
    fields = _parse_array(head[begin:offset], offset)
    expected = offset + math.prod(fields.shape) * fields.dtype.itemsize
    if length != expected:
        raise FaultError(
            "truncated",
            f"{length} bytes, but its header announces {expected}; copy the file again",
        )
    return fields


def _jpeg(data: bytes) -> Picture:
    """Walk the segments up to the frame header."""
    at, tagged = 2, False
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, channels = struct.unpack_from(">HHB", data, at + 5)
            return Picture((height, width), channels, tagged=tagged)
        else:
            tagged |= data.startswith((b"Exif\0", b"ICC_PROFILE\0"), at + 4)
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise FaultError("truncated", "the JPEG ends before its size; copy the file again")


def _png(data: bytes) -> Picture:
    width, height = struct.unpack_from(">II", data, 16)
    depth, colour = data[24], data[25]
    tagged = b"iCCP" in data or b"eXIf" in data  # by chance in pixels as well: then it is looked for in vain
    return Picture((height, width), _PNG_CHANNELS.get(colour, 0), colour == _PNG_PALETTE, depth, tagged)


def _webp(data: bytes) -> Picture:
    """The three forms of WebP: lossy, lossless, and extended, whose flags tell of alpha, EXIF and profile."""
    form = data[12:16]
    if form == b"VP8X":
        if data[20] & 0x02:
            raise FaultError("wrong mode", "an animation; save one picture of it")
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return Picture((height, width), 4 if data[20] & 0x10 else 3, tagged=bool(data[20] & 0x28))
    if form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return Picture(((bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1), 4 if bits >> 28 & 1 else 3)
    if form == b"VP8 ":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return Picture((height, width), 3)
    raise FaultError("unreadable", "a WebP file of an unknown form; save the picture as JPEG or PNG")


@functools.lru_cache(maxsize=64)
def _parse_array(text: bytes, offset: int) -> Array:
    try:
        fields = ast.literal_eval(text.decode("latin1"))
        dtype, shape = (
            np.dtype(fields["descr"]),
            tuple(int(dimension) for dimension in fields["shape"]),
        )
        fortran = bool(fields["fortran_order"])
    except (SyntaxError, ValueError, TypeError, KeyError):
        raise FaultError("unreadable", "the header of the .npy file is broken; copy the file again") from None
    if dtype.kind not in "buif":
        raise FaultError("unreadable", f"the .npy file holds {dtype}, only plain numbers are read")
    return Array(dtype, shape, fortran, offset)
