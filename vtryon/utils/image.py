"""Pictures as networks see them, in [-1, 1], and as files hold them, in 0..255; arrays and tensors alike."""

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8


def to_uint8(image: Float[Any, "*shape"]) -> UInt8[Any, "*shape"]:
    """[-1, 1] to 0..255 as a PNG stores it: clamped and rounded, not truncated (truncation darkens by half a step)."""
    levels = ((image.clip(-1, 1) + 1) * 127.5).round()
    return levels.astype(np.uint8) if isinstance(levels, np.ndarray) else levels.byte()


def from_uint8(image: UInt8[Any, "*shape"]) -> Float[Any, "*shape"]:
    """0..255 to [-1, 1]: the (x / 255 - 0.5) / 0.5 of PF-AFN's loader."""
    levels = image.astype(np.float32) if isinstance(image, np.ndarray) else image.float()
    levels /= 127.5
    levels -= 1
    return levels
