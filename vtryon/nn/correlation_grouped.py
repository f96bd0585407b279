"""The cost volume by grouped convolutions: the fastest form in float32 on a CPU, where they outrun batched products.

Tiles of 8x8 positions meet the 14x14 positions around them. The tiles of a row are the groups of one transposed 1x1
convolution, which is a matrix product whose one side may lie channels first, as `first` does, and whose other side is
channels last: of both inputs only `second` has to be turned, each line once, into a strip of 14 lines that moves down
the picture. The buffers are made once a picture and stay in the cache.

Tried and dropped: `first` turned as well and a plain convolution, tiles of 4x8, 8x12 and 4x16, the whole of `second`
turned at once, sampled sparse products (`torch.sparse.sampled_addmm`); all slower.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

TILE = 8  # positions each way


def grouped(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> Float[Tensor, "b k h w"]:
    """As `vtryon.nn.correlation.correlate`; no gradient."""
    b, _, h, w = first.shape
    span, rows, columns = 2 * radius + 1, -(-h // TILE), -(-w // TILE)
    out = first.new_empty(b, span, span, rows, TILE, columns, TILE)
    for volume, *pair in zip(out, first, second, strict=True):
        _fill(volume, *pair)
    out = out.view(b, span**2, rows * TILE, columns * TILE)
    return out[:, :, :h, :w].contiguous()


def _fill(volume: Tensor, first: Tensor, second: Tensor) -> None:
    span, _, rows, _, columns, _ = volume.shape
    channels, h, w = first.shape
    below, beside = rows * TILE - h, columns * TILE - w
    first = F.pad(first, (0, beside, 0, below)) if below or beside else first.contiguous()
    first = first.view(channels, rows, TILE, columns, TILE).permute(1, 3, 0, 2, 4)
    strip, window = _Strip(second, columns, span // 2), TILE + span - 1
    tiles, windows = first.new_empty(first.shape[1:]), first.new_empty(window, window, columns, channels)
    for row in range(rows):
        tiles.copy_(first[row])
        windows.copy_(strip.windows(row))
        torch.div(_diagonals(_products(tiles, windows), span), channels, out=volume[:, :, row])


class _Strip:
    """The lines of `second` that a row of tiles sees, channels last, with zeros around the picture."""

    def __init__(self, second: Tensor, columns: int, radius: int):
        self.second, self.columns, self.radius = second, columns, radius
        width = columns * TILE + 2 * radius
        self.lines = second.new_zeros(TILE + 2 * radius, width, len(second))
        self._read(slice(TILE + radius, None), 0)

    def windows(self, row: int) -> Tensor:
        """A view (14, 14, columns, c) of what row `row` of tiles sees; to be called for row after row."""
        kept = 2 * self.radius
        self.lines[:kept] = self.lines[-kept:].clone() if kept > TILE else self.lines[-kept:]
        self._read(slice(kept, None), row * TILE + self.radius)
        line, place, _ = self.lines.stride()
        shape = (len(self.lines), len(self.lines), self.columns, len(self.second))
        return self.lines.as_strided(shape, (line, place, TILE * place, 1))

    def _read(self, where: slice, top: int) -> None:
        lines = self.lines[where]
        there = max(min(len(lines), self.second.shape[1] - top), 0)
        inside = lines[:, self.radius : self.radius + self.second.shape[2]]
        inside[:there] = self.second[:, top : top + there].permute(1, 2, 0)
        lines[there:] = 0


def _products(tiles: Tensor, windows: Tensor) -> Tensor:
    """Every position of a tile with every one of its window: (14, 14, columns, 64)."""
    columns, channels = tiles.shape[:2]
    image = windows.view(1, *windows.shape[:2], -1).permute(0, 3, 1, 2)
    weight = tiles.view(columns * channels, TILE * TILE, 1, 1)
    # a dilation changes nothing in a 1x1 kernel, but torch hands undilated ones to a slower kernel on one thread
    return F.conv_transpose2d(image, weight, groups=columns, dilation=2)[0].permute(1, 2, 0).contiguous()


def _diagonals(products: Tensor, span: int) -> Tensor:
    """A view (dy, dx, y, column, x): position (y, x) of a tile meets (y + dy, x + dx) of its window."""
    line, place, _ = products.stride()
    shape = (span, span, TILE, place // TILE**2, TILE)
    return products.as_strided(shape, (line, place, line + TILE, TILE * TILE, place + 1))
