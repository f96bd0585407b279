"""The cost volume by batched matrix products, for every device and type, and its gradient.

Tiles of 8x8 positions are multiplied with their 14x14 neighbourhoods as matrices, strip by strip, and the 49 wanted
products are read off the result as diagonals. A quarter of the multiplications is kept, and no shifted copy of the
features is ever made.

Tried and dropped: rows of 16, 24 and 48 positions (a product each vertical shift), tiles of 6, 12 and 16; all slower.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

TILE = 8


def tiled(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> Float[Tensor, "b k h w"]:
    """As `vtryon.models.correlation.cost_volume.correlate`; no gradient."""
    b, c, h, w = first.shape
    strips = _Strips(first, second, radius)
    out = first.new_empty(b, strips.span, strips.span, strips.rows, TILE, strips.columns, TILE)
    for row in range(strips.rows):
        product = torch.bmm(strips.tiles(row).transpose(1, 2), strips.windows(row))  # (b * columns, 64, 14 * 14)
        out[:, :, :, row] = strips.band(product).permute(0, 4, 5, 2, 1, 3)
    out = out.view(b, strips.span**2, strips.rows * TILE, strips.columns * TILE)
    return out[:, :, :h, :w].contiguous().div_(c)


def tiled_backward(
    grad: Float[Tensor, "b k h w"], first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
    """The gradients of `first` and `second` from that of the volume."""
    b, c, h, w = first.shape
    strips = _Strips(first, second, radius)
    down, right = strips.rows * TILE, strips.columns * TILE
    grad = F.pad(grad, (0, right - w, 0, down - h)).div_(c)
    grad = grad.view(b, strips.span, strips.span, strips.rows, TILE, strips.columns, TILE)
    to_first = torch.empty_like(strips.first)
    to_second = torch.zeros_like(strips.second)
    for row in range(strips.rows):
        tiles, windows = strips.tiles(row), strips.windows(row)
        product = grad.new_zeros(len(tiles), TILE * TILE, strips.window**2)
        strips.band(product).copy_(grad[:, :, :, row].permute(0, 4, 3, 5, 1, 2))
        strips.add_tiles(to_first, row, torch.bmm(windows, product.transpose(1, 2)))
        strips.add_windows(to_second, row, torch.bmm(tiles, product))
    return to_first[:, :, :h, :w].contiguous(), to_second[:, :, radius : radius + h, radius : radius + w].contiguous()


class _Strips:
    """`first` cut into strips of 8x8 tiles, `second` into the windows that the tiles see."""

    def __init__(self, first: Tensor, second: Tensor, radius: int):
        self.batch, self.channels, h, w = first.shape
        self.rows, self.columns = -(-h // TILE), -(-w // TILE)
        self.span, self.window = 2 * radius + 1, TILE + 2 * radius
        below, beside = self.rows * TILE - h, self.columns * TILE - w
        self.first = F.pad(first, (0, beside, 0, below))
        self.second = F.pad(second, (radius, radius + beside, radius, radius + below))

    def tiles(self, row: int) -> Tensor:
        """(b * columns, c, 64)"""
        strip = self.first[:, :, row * TILE : (row + 1) * TILE]
        strip = strip.reshape(self.batch, self.channels, TILE, self.columns, TILE)
        return strip.permute(0, 3, 1, 2, 4).reshape(-1, self.channels, TILE * TILE)

    def windows(self, row: int) -> Tensor:
        """(b * columns, c, 14 * 14)"""
        strip = self.second[:, :, row * TILE : row * TILE + self.window].unfold(3, self.window, TILE)
        return strip.permute(0, 3, 1, 2, 4).reshape(-1, self.channels, self.window**2)

    def band(self, product: Tensor) -> Tensor:
        """A view (b, columns, y, x, dy, dx) of the tile-by-window products: position (y, x) meets (y + dy, x + dx)."""
        size, line = self.window**2, self.window
        shape = (self.batch, self.columns, TILE, TILE, self.span, self.span)
        tile = TILE * TILE * size
        return product.as_strided(shape, (self.columns * tile, tile, TILE * size + line, size + 1, line, 1))

    def add_tiles(self, to: Tensor, row: int, grad: Tensor) -> None:
        grad = grad.view(self.batch, self.columns, self.channels, TILE, TILE).permute(0, 2, 3, 1, 4)
        to[:, :, row * TILE : (row + 1) * TILE] = grad.reshape(self.batch, self.channels, TILE, self.columns * TILE)

    def add_windows(self, to: Tensor, row: int, grad: Tensor) -> None:
        grad = grad.view(self.batch, self.columns, self.channels, self.window, self.window).permute(0, 2, 3, 1, 4)
        strip = to[:, :, row * TILE : row * TILE + self.window]
        for column in range(self.columns):  # neighbouring windows overlap
            strip[..., column * TILE : column * TILE + self.window] += grad[:, :, :, column]
