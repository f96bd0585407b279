"""Sampling by a flow with features channels last, compiled for the CPU at hand (numba).

torch samples plane by plane, and what it gives has to be turned before the next convolution. Here a place's channels
lie side by side: four neighbours are blended as rows, and the answer lies as its reader wants it.
"""

from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vtryon.nn import loops
from vtryon.nn.team import shares, together


def takes(image: Tensor, flow: Tensor) -> bool:
    """Whether `compiled_sample` is written for these: float32 on the CPU, without gradients, not while traced."""
    plain = all(each.dtype == torch.float32 and each.device.type == "cpu" for each in (image, flow))
    learns = torch.is_grad_enabled() and (image.requires_grad or flow.requires_grad)
    return plain and not learns and not torch.compiler.is_compiling() and not torch.jit.is_tracing()


def compiled_sample(
    image: Float[Tensor, "b c h w"], flow: Float[Tensor, "b 2 i j"], padding: str = "border"
) -> Float[Tensor, "b c i j"]:
    """What `vtryon.nn.flow.sample` says, to rounding, channels last. A place that is no number takes the first pixel's.

    Raises:
        ValueError: another padding than "border" or "zeros".
    """
    if padding not in ("border", "zeros"):
        raise ValueError(f"padding (={padding!r}) must be 'border' or 'zeros'")
    pixels, places = (each.detach().permute(0, 2, 3, 1).contiguous().numpy() for each in (image, flow))
    b, i, j, _ = places.shape
    found = torch.empty(b, i, j, image.shape[1])
    work = partial(_blend, pixels, places, padding == "zeros", found.numpy())
    together([partial(work, start, stop) for start, stop in shares(b * i)])
    return found.permute(0, 3, 1, 2)


@loops.compiled
def _blend(pixels, places, framed, found, start, stop):
    """Rows of places, counted through all pictures."""
    _, h, w, c = pixels.shape
    i, j = places.shape[1:3]
    for row in range(start, stop):
        n, y = row // i, row % i
        for x in range(j):
            left, right, at_left, at_right = _two(places[n, y, x, 0], w, framed)
            top, bottom, at_top, at_bottom = _two(places[n, y, x, 1], h, framed)
            a, b = pixels[n, top, left], pixels[n, top, right]
            d, e = pixels[n, bottom, left], pixels[n, bottom, right]
            for k in range(c):
                above = at_left * a[k] + at_right * b[k]
                below = at_left * d[k] + at_right * e[k]
                found[n, y, x, k] = at_top * above + at_bottom * below


@loops.compiled
def _two(place, side, framed):
    """The pixels before and after a coordinate in [-1, 1], and their shares; one outside a frame of zeros has none."""
    pixel = (place + np.float32(1)) * np.float32(0.5 * (side - 1))
    inside = max(min(pixel, np.float32(side)), np.float32(-1)) if pixel == pixel else np.float32(0)
    if not framed:
        inside = max(min(inside, np.float32(side - 1)), np.float32(0))
    before = int(np.floor(inside))
    after_share = inside - np.float32(before)
    before_share = np.float32(1) - after_share
    after = before + 1
    if before < 0 or before >= side:
        before_share = np.float32(0)
    if after >= side:
        after_share = np.float32(0)
    return max(0, min(before, side - 1)), min(after, side - 1), before_share, after_share
