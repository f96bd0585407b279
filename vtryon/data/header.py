"""What the first and last bytes of a file tell: the size of a picture or an array, and whether the file is whole."""

import ast
import functools
import math
import struct
from typing import NamedTuple

import numpy as np

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
    """The header of a JPEG or PNG file."""

    size: tuple[int, int]  # (h, w)
    channels: int
    palette: bool = False


class Array(NamedTuple):
    """The header of a .npy file."""

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    start: int  # where the numbers begin


def picture(head: bytes, tail: bytes) -> Picture:
    """Read a picture's first bytes, enough of them to reach its size, and look for its end in the last."""
    if head.startswith(b"\xff\xd8"):
        found, end = _jpeg(head), b"\xff\xd9"
    elif head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 26:
        width, height = struct.unpack_from(">II", head, 16)
        found, end = (
            Picture(
                (height, width),
                _PNG_CHANNELS.get(head[25], 0),
                head[25] == _PNG_PALETTE,
            ),
            b"IEND",
        )
    else:
        raise FaultError("unreadable", "neither a JPEG nor a PNG file")
    if math.prod(found.size) > MOST_PIXELS:
        raise FaultError(
            "too large",
            f"{found.size[0]}x{found.size[1]} pixels, at most {MOST_PIXELS:,} are read",
        )
    if tail.rfind(end, max(0, len(tail) - TAIL)) < 0:
        raise FaultError("truncated", "the picture's end is missing; copy the file again")
    return found


def array(head: bytes, length: int) -> Array:
    """Read the first bytes of a .npy file of `length` bytes."""
    if not head.startswith(b"\x93NUMPY") or len(head) < 12:
        raise FaultError("unreadable", "not a .npy file")
    begin = 10 if head[6] == 1 else 12  # version 1 counts the header's bytes in two bytes, later ones in four
    start = begin + int.from_bytes(head[8:begin], "little")
    found = _parse_array(head[begin:start], start)
    expected = start + math.prod(found.shape) * found.dtype.itemsize
    if length != expected:
        raise FaultError(
            "truncated",
            f"{length} bytes, but its header announces {expected}; copy the file again",
        )
    return found


def _jpeg(data: bytes) -> Picture:
    """Walk the segments up to the frame header."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, channels = struct.unpack_from(">HHB", data, at + 5)
            return Picture((height, width), channels)
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise FaultError("truncated", "the JPEG ends before its size; copy the file again")


@functools.lru_cache(maxsize=64)
def _parse_array(text: bytes, start: int) -> Array:
    try:
        fields = ast.literal_eval(text.decode("latin1"))
        dtype, shape = (
            np.dtype(fields["descr"]),
            tuple(int(side) for side in fields["shape"]),
        )
        fortran = bool(fields["fortran_order"])
    except (SyntaxError, ValueError, TypeError, KeyError):
        raise FaultError("unreadable", "the header of the .npy file is broken; copy the file again") from None
    if dtype.kind not in "buif":
        raise FaultError("unreadable", f"the .npy file holds {dtype}, only plain numbers are read")
    return Array(dtype, shape, fortran, start)
