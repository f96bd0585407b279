"""The cost volume of AFlowNet: how alike each garment feature is to the person features around the same place.

Tiles of 8x8 positions are multiplied with their 14x14 neighbourhoods as matrices, strip by strip, and the 49 wanted
products are read off the result as diagonals. A quarter of the multiplications is kept, and no shifted copy of the
features is ever made; at 128x96 the plain loop over 49 shifts takes about four times as long.

Tried and dropped: rows of 16, 24 and 48 positions (a product each vertical shift), tiles of 6, 12 and 16; all slower.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

TILE = 8


def correlate(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> Float[Tensor, "b k h w"]:
    r"""Mean product of `first` with `second` shifted by up to `radius` pixels each way.

    .. math:: out[k, y, x] = \frac{1}{C} \sum_c first[c, y, x] \; second[c, y + dy, x + dx]

    with zeros outside `second` and k = (dy + r)(2r + 1) + dx + r, so that dx runs fastest (FlowNet 2's order).
    """
    if first.shape != second.shape:
        raise ValueError(
            f"first {tuple(first.shape)} and second {tuple(second.shape)} must have one shape (b, c, h, w)"
        )
    return torch.ops.vtryon.correlate(first, second, radius)


@torch.library.custom_op("vtryon::correlate", mutates_args=())
def _correlate(first: Tensor, second: Tensor, radius: int) -> Tensor:
    b, c, h, w = first.shape
    strips = _Strips(first, second, radius)
    out = first.new_empty(b, strips.span, strips.span, strips.rows, TILE, strips.columns, TILE)
    for row in range(strips.rows):
        product = torch.bmm(strips.tiles(row).transpose(1, 2), strips.windows(row))  # (b * columns, 64, 14 * 14)
        out[:, :, :, row] = strips.band(product).permute(0, 4, 5, 2, 1, 3)
    out = out.view(b, strips.span**2, strips.rows * TILE, strips.columns * TILE)
    return out[:, :, :h, :w].contiguous().div_(c)


@_correlate.register_fake
def _(first: Tensor, second: Tensor, radius: int) -> Tensor:
    b, _, h, w = first.shape
    return first.new_empty(b, (2 * radius + 1) ** 2, h, w)


@torch.library.custom_op("vtryon::correlate_backward", mutates_args=())
def _correlate_backward(grad: Tensor, first: Tensor, second: Tensor, radius: int) -> tuple[Tensor, Tensor]:
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


@_correlate_backward.register_fake
def _(grad: Tensor, first: Tensor, second: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(first), torch.empty_like(second)


def _keep(ctx, inputs, output):
    first, second, ctx.radius = inputs
    ctx.save_for_backward(first, second)


def _backward(ctx, grad):
    return *torch.ops.vtryon.correlate_backward(grad.contiguous(), *ctx.saved_tensors, ctx.radius), None


_correlate.register_autograd(_backward, setup_context=_keep)


@register_flop_formula(torch.ops.vtryon.correlate)
def _flops(first_shape, second_shape, radius, *args, out_shape=None, **kwargs) -> int:
    b, c, h, w = first_shape
    return 2 * (2 * radius + 1) ** 2 * b * c * h * w  # the products that are wanted, not the tiles' surplus


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
