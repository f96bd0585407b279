"""The cost volume as plain dot products over channels, compiled for the CPU at hand (numba).

Other forms multiply whole tiles and throw most products away, or read the features once a shift. Here the features of a
place lie side by side, two neighbouring places and the eight they see stay in registers, and 14 sums grow at once. What
is laid out otherwise is turned first; channels-last features are read as they lie. Float32 on the CPU, radius 3 only.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vtryon.utils import jit
from vtryon.utils.openmp import shares, together

RADIUS, SPAN = 3, 7
LANE = 16  # channels that are turned together
FEW = 1 << 20  # products below which a second thread costs more than it saves


def compiled(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = RADIUS
) -> Float[Tensor, "b k h w"]:
    """As `cost_volume.correlate`, to rounding; sample by sample, so that memory stays that of one.

    Raises:
        ValueError: another radius than 3.
    """
    if radius != RADIUS:
        raise ValueError(f"radius (={radius}) must be {RADIUS}, for which this form is written; `tiled` takes any")
    b, c, h, w = first.shape
    volume = torch.empty(b, SPAN**2, h, w)
    nothing = np.zeros(c, np.float32)
    for first_map, second_map, out in zip(first.detach(), second.detach(), volume.numpy(), strict=True):
        features = _turned(first_map), _turned(second_map)
        _by_rows(partial(_products, *features, nothing, out), h, c * h * w)
    return volume


def _turned(features: Float[Tensor, "c h w"]) -> np.ndarray:
    """(h, w, c), the channels of a place side by side."""
    c, h, w = features.shape
    last = features.permute(1, 2, 0)
    if last.is_contiguous():
        return last.numpy()
    turned = np.empty((h, w, c), np.float32)
    _by_rows(partial(_turn, features.contiguous().numpy(), turned), h, c * h * w)
    return turned


def _by_rows(work: Callable[[int, int], None], rows: int, size: int) -> None:
    """Share the rows out to as many threads as torch has."""
    ranges = shares(rows) if size >= FEW else [(0, rows)]
    together([partial(work, *rows_of_thread) for rows_of_thread in ranges])


@jit.compiled
def _turn(features, turned, row_start, row_stop):
    c, _, w = features.shape
    for y in range(row_start, row_stop):
        for k in range(0, c, LANE):  # as many lines as the first cache holds at once
            for x in range(w):
                for kk in range(k, min(k + LANE, c)):
                    turned[y, x, kk] = features[kk, y, x]


@jit.compiled
def _products(first, second, nothing, out, row_start, row_stop):
    h, w, c = first.shape
    for y in range(row_start, row_stop):
        for dy in range(SPAN):
            line = y + dy - RADIUS
            if line < 0 or line >= h:
                out[dy * SPAN : (dy + 1) * SPAN, y] = 0
                continue
            for pair in range(0, w, 2):
                x = max(0, min(pair, w - 2))  # an odd width's last pair is its last two
                a, b = first[y, x], first[y, min(x + 1, w - 1)]
                s0 = second[line, x - 3] if x >= 3 else nothing
                s1 = second[line, x - 2] if x >= 2 else nothing
                s2 = second[line, x - 1] if x >= 1 else nothing
                s3 = second[line, x]
                s4 = second[line, x + 1] if x + 1 < w else nothing
                s5 = second[line, x + 2] if x + 2 < w else nothing
                s6 = second[line, x + 3] if x + 3 < w else nothing
                s7 = second[line, x + 4] if x + 4 < w else nothing
                a0 = a1 = a2 = a3 = a4 = a5 = a6 = b0 = b1 = b2 = b3 = b4 = b5 = b6 = np.float32(0)
                for k in range(c):
                    p, q = a[k], b[k]
                    a0 += p * s0[k]
                    a1 += p * s1[k]
                    b0 += q * s1[k]
                    a2 += p * s2[k]
                    b1 += q * s2[k]
                    a3 += p * s3[k]
                    b2 += q * s3[k]
                    a4 += p * s4[k]
                    b3 += q * s4[k]
                    a5 += p * s5[k]
                    b4 += q * s5[k]
                    a6 += p * s6[k]
                    b5 += q * s6[k]
                    b6 += q * s7[k]
                for dx, (left, right) in enumerate(
                    ((a0, b0), (a1, b1), (a2, b2), (a3, b3), (a4, b4), (a5, b5), (a6, b6))
                ):
                    out[dy * SPAN + dx, y, x] = left / c
                    if x + 1 < w:
                        out[dy * SPAN + dx, y, x + 1] = right / c
