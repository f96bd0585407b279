"""3x3 convolutions with a quarter of the products, on the CPU in float32: Winograd's F(4x4, 3x3).

A tile of 4x4 answers sees 6x6 pixels. Both the tile and the kernel are turned into 36 terms, and terms are multiplied
one by one: 36 products for each pair of channels where 144 were (Lavin and Gray, Fast Algorithms for Convolutional
Neural Networks, 2016, section 4). What is left is 36 matrix products, which run at the CPU's peak. Each thread has rows
of tiles of its own, and takes some at a time, so that their terms never leave its cache. The answer is right to 1e-4 of
what goes in, a digit less than of products added up one by one. So is the gradient of the input, which is such a
convolution too; weights that learn are left to torch.
"""

from functools import partial
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from vtryon.utils import jit
from vtryon.utils.openmp import shares, together

PLAIN = {"kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
Net = TypeVar("Net", bound=nn.Module)
SIDE, SEEN = 4, 6  # of a tile: answers, and pixels that they see
TERMS = SEEN**2
LEAST_CHANNELS, LEAST_PAIRS = 32, 2048  # in or out; in times out. Below, turning costs more than it saves,
LEAST_PLACES = 256  # ... and so it does below that many answers, where the terms of the kernels are too much to read
CACHED = 1 << 19  # terms of a kind that a thread works on at once (2 MiB)
KERNEL_TERMS = ((6, 0, 0), (-4, -4, -4), (-4, 4, -4), (1, 2, 4), (1, -2, 4), (0, 0, 24))  # over 24: points 0, ±1, ±2, ∞


def with_winograd(net: Net) -> Net:
    """The same network, whose wide 3x3 convolutions answer by terms where that is quicker; it is changed in place.

    Its layers share their memory for terms: it answers one caller at a time.
    """
    terms = Terms()
    for parent in [*net.modules()]:
        for name, layer in [*parent.named_children()]:
            if type(layer) is nn.Conv2d and _pays(layer):
                setattr(parent, name, Winograd(layer, terms))
    return net


def _pays(conv: nn.Conv2d) -> bool:
    plain = conv.padding_mode == "zeros" and all(getattr(conv, key) == value for key, value in PLAIN.items())
    fewer, larger = sorted((conv.in_channels, conv.out_channels))
    return plain and fewer >= LEAST_CHANNELS and fewer * larger >= LEAST_PAIRS


class Terms:
    """Memory that is used again by each layer, because new memory costs more than what is done in it."""

    def __init__(self):
        self.kept: dict[tuple[str, int], Tensor] = {}

    def of(self, kind: str, thread: int, tiles: int, channels: int) -> Float[Tensor, "36 tiles channels"]:
        needed, key = TERMS * tiles * channels, (kind, thread)
        if key not in self.kept or len(self.kept[key]) < needed:
            with torch.inference_mode(False):  # else it could be used in that mode alone
                self.kept[key] = torch.empty(needed)
        return self.kept[key][:needed].view(TERMS, tiles, channels)


class Winograd(nn.Conv2d):
    """The convolution `conv` (3x3, stride 1, padding 1), right within 1e-4, for weights that do not learn.

    Anything else (another type or device, autocast, weights that learn, few pixels) is convolved by torch.
    """

    def __init__(self, conv: nn.Conv2d, terms: Terms):
        super().__init__(conv.in_channels, conv.out_channels, 3, padding=1, bias=conv.bias is not None, device="meta")
        self.weight, self.bias, self.terms = conv.weight, conv.bias, terms
        self.kernels: Float[Tensor, "36 c o"] | None = None
        self.turned_kernels: Float[Tensor, "36 o c"] | None = None

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o h w"]:
        if not self._made_for(x):
            return super().forward(x)
        return _ByTerms.apply(x, self) if torch.is_grad_enabled() and x.requires_grad else self.answers(x)

    def answers(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o h w"]:
        """The convolution of `x`; autograd does not see it."""
        if self.kernels is None:
            self.kernels = kernel_terms(self.weight)
        bias = np.zeros(self.out_channels, np.float32) if self.bias is None else self.bias.detach().numpy()
        return answers(x, self.kernels, bias, self.terms)

    def input_gradient(self, gradient: Float[Tensor, "b o h w"]) -> Float[Tensor, "b c h w"]:
        """Gradient of the input: the gradient of the answers, convolved by the kernels turned round."""
        if self.turned_kernels is None:
            self.turned_kernels = kernel_terms(self.weight.transpose(0, 1).flip(2, 3))
        return answers(gradient, self.turned_kernels, np.zeros(self.in_channels, np.float32), self.terms)

    def _made_for(self, x: Tensor) -> bool:
        float_on_cpu = x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        learns = torch.is_grad_enabled() and self.weight.requires_grad
        watched = learns or torch.compiler.is_compiling()
        return float_on_cpu and not watched and len(x) * x[0, 0].numel() >= LEAST_PLACES


class _ByTerms(torch.autograd.Function):
    """A layer's answers and the gradient of its input, both by Winograd."""

    @staticmethod
    def forward(ctx, x: Tensor, layer: Winograd) -> Tensor:
        ctx.layer = layer
        return layer.answers(x.detach())

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        return ctx.layer.input_gradient(gradient), None


def kernel_terms(weight: Float[Tensor, "o c 3 3"]) -> Float[Tensor, "36 c o"]:
    """The terms of each kernel, ready to be multiplied from the right."""
    turn = torch.tensor(KERNEL_TERMS, dtype=torch.float64) / 24
    return torch.einsum("ai,bj,ocij->abco", turn, turn, weight.detach().double()).flatten(0, 1).float().contiguous()


def answers(
    x: Float[Tensor, "b c h w"], kernels: Float[Tensor, "36 c o"], bias: np.ndarray, memory: Terms
) -> Float[Tensor, "b o h w"]:
    """A convolution, channels last."""
    pixels = x.permute(0, 2, 3, 1).contiguous().numpy()
    (b, h, w, _), down = pixels.shape, -(-x.shape[2] // SIDE)
    out = torch.empty(b, kernels.shape[2], h, w, memory_format=torch.channels_last)  # no view: layers may overwrite it
    work = partial(_rows, pixels, kernels, bias, memory, out.permute(0, 2, 3, 1).numpy())
    together([partial(work, thread, *share) for thread, share in enumerate(shares(b * down))])
    return out


def _rows(
    pixels: np.ndarray, kernels: Tensor, bias: np.ndarray, memory: Terms, out: np.ndarray, thread: int, *rows: int
) -> None:
    """Rows of tiles, counted through all pictures, from the first of `rows` to the second."""
    (_, h, w, c), o = pixels.shape, kernels.shape[2]
    down, across, (row_start, row_stop) = -(-h // SIDE), -(-w // SIDE), rows
    count = row_stop - row_start
    step = -(-count // min(count, -(-count * across * max(c, o) * TERMS // CACHED)))
    for first in range(row_start, row_stop, step):
        count = min(step, row_stop - first)
        input_terms = memory.of("input", thread, count * across, c)
        output_terms = memory.of("output", thread, count * across, o)
        _turn(pixels, input_terms.numpy(), first, down, count)
        torch.bmm(input_terms, kernels, out=output_terms)
        _turn_back(output_terms.numpy(), bias, out, first, down, count)


@jit.compiled
def _turn(pixels, terms, first, down, rows):
    """Rows of tiles, counted through all pictures from `first`, into terms: along columns, then along rows."""
    _, h, w, c = pixels.shape
    across = -(-w // 4)
    wide = 4 * across + 2
    band = np.zeros((6, wide, c), np.float32)  # the pixels of a row of tiles, with what lies outside
    half = np.empty((6, wide, c), np.float32)
    for row in range(rows):
        picture, top = (first + row) // down, 4 * ((first + row) % down) - 1
        for r in range(6):
            if 0 <= top + r < h:
                band[r, 1 : w + 1] = pixels[picture, top + r]
            else:
                band[r] = 0
        _six(band.reshape(6, wide * c), half.reshape(6, 1, wide * c), 0)
        for x in range(across):
            for r in range(6):
                _six(half[r, 4 * x : 4 * x + 6], terms[6 * r : 6 * r + 6], row * across + x)


@jit.compiled
def _six(pixels, terms, at):
    """Six pixels in line to six terms, for each channel."""
    for k in range(pixels.shape[1]):
        d0, d1, d2 = pixels[0, k], pixels[1, k], pixels[2, k]
        d3, d4, d5 = pixels[3, k], pixels[4, k], pixels[5, k]
        even, odd = d4 - 4 * d2, d3 - 4 * d1
        near, far = d4 - d2, 2 * (d3 - d1)
        terms[0, at, k] = 4 * d0 - 5 * d2 + d4
        terms[1, at, k] = even + odd
        terms[2, at, k] = even - odd
        terms[3, at, k] = near + far
        terms[4, at, k] = near - far
        terms[5, at, k] = 4 * d1 - 5 * d3 + d5


@jit.compiled
def _turn_back(terms, bias, out, first, down, rows):
    """Terms of rows of tiles into what the convolution says."""
    _, h, w, o = out.shape
    across = -(-w // 4)
    half = np.empty((4, 6, across * o), np.float32)
    tile = np.empty((4, 1, o), np.float32)
    for row in range(rows):
        picture, top = (first + row) // down, 4 * ((first + row) % down)
        for column in range(6):
            column_terms = terms[column::6, row * across : (row + 1) * across].copy()
            _four(column_terms.reshape(6, 1, across * o), 0, half, column)
        for r in range(min(4, h - top)):
            line = half[r].reshape(6, across, o)
            for x in range(across):
                _four(line, x, tile, 0)
                for x_in_tile in range(min(4, w - 4 * x)):
                    for k in range(o):
                        out[picture, top + r, 4 * x + x_in_tile, k] = tile[x_in_tile, 0, k] + bias[k]


@jit.compiled
def _four(terms, at, out, to):
    """Six terms in line to four answers, for each channel."""
    for k in range(terms.shape[2]):
        m0, m1, m2 = terms[0, at, k], terms[1, at, k], terms[2, at, k]
        m3, m4, m5 = terms[3, at, k], terms[4, at, k], terms[5, at, k]
        near, nearer = m1 + m2, m1 - m2
        far, further = m3 + m4, m3 - m4
        out[0, to, k] = m0 + near + far
        out[1, to, k] = nearer + 2 * further
        out[2, to, k] = near + 4 * far
        out[3, to, k] = nearer + 8 * further + m5
