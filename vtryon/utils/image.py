"""Pictures as networks see them, in [-1, 1], and as files hold them, in 0..255."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def to_uint8(image: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """[-1, 1] to 0..255 as a PNG stores it: clamped and rounded, not truncated (truncation darkens by half a step)."""
    return ((image.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def from_uint8(image: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """0..255 to [-1, 1]: the (x / 255 - 0.5) / 0.5 of PF-AFN's loader."""
    return image.float().div_(127.5).sub_(1)
