"""A network whose answers are the same to rounding, and which is quicker to ask over and over.

Norms that follow a convolution are folded into it, features lie channels last, and a 3x3 convolution of a picture
enlarged twofold by repetition is done on the small one: each of the four places that a pixel becomes sees but 2x2
different pixels, so that 16 products do the work of 36. Wide convolutions answer by Winograd's terms on a CPU, and what
samples by a flow does so channels last, where `QUICK` replaces torch's own way.
"""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vtryon.nn.flow_compiled import compiled_sample, takes
from vtryon.nn.operations import Operations
from vtryon.nn.tryon import TryOnNet
from vtryon.nn.winograd import with_winograd


def _sample(image: Tensor, grid: Tensor, **options: Any) -> Tensor:
    if takes(image, grid):
        return compiled_sample(image, grid.permute(0, 3, 1, 2), options["padding_mode"])
    return _torchs_own(image, grid, **options)


_torchs_own = F.grid_sample
QUICK: Operations = {F.grid_sample: _sample}


def quick(net: TryOnNet) -> TryOnNet:
    """A copy for inference, with the same names of convolutions; what the norms do inside is gone from it."""
    net = copy.deepcopy(net).eval().requires_grad_(False)
    for part in [*net.modules()]:
        if isinstance(part, nn.Sequential):
            _fold_norms(part)
            _enlarge_late(part)
        elif isinstance(part, nn.ReLU):
            part.inplace = False  # what it reads may be remembered
    return with_winograd(net).to(memory_format=torch.channels_last)


def _fold_norms(layers: nn.Sequential) -> None:
    for at in range(1, len(layers)):
        if isinstance(layers[at - 1], nn.Conv2d) and isinstance(layers[at], nn.BatchNorm2d):
            layers[at - 1], layers[at] = fuse_conv_bn_eval(layers[at - 1], layers[at]), nn.Identity()


def _enlarge_late(layers: nn.Sequential) -> None:
    for at in range(1, len(layers)):
        if isinstance(layers[at - 1], nn.Upsample) and layers[at].kernel_size == (3, 3):
            layers[at - 1], layers[at] = nn.Identity(), Enlarging(layers[at])


class Enlarging(nn.Conv2d):
    """What `conv` (3x3, stride 1, padding 1) says of a picture twice as large, asked of the small one."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__(conv.in_channels, 4 * conv.out_channels, 2, padding=1, bias=conv.bias is not None)
        self.weight = nn.Parameter(by_place(conv.weight), requires_grad=False)
        if conv.bias is not None:
            self.bias = nn.Parameter(conv.bias.repeat(4), requires_grad=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o 2*h 2*w"]:
        return interleaved(super().forward(x))


def by_place(weight: Float[Tensor, "o c 3 3"]) -> Float[Tensor, "4*o c 2 2"]:
    """A kernel for each of the four places of an enlarged pixel, over the small pixels that its 3x3 window meets."""
    first = weight.new_tensor([[1, 0, 0], [0, 1, 1]])  # the upper place meets the pixel above once, its own twice
    second = weight.new_tensor([[1, 1, 0], [0, 0, 1]])
    kernels = [
        torch.einsum("ai,bj,ocij->ocab", down, across, weight) for down in (first, second) for across in (first, second)
    ]
    return torch.cat(kernels)


def interleaved(places: Float[Tensor, "b k i j"]) -> Tensor:
    """Answers for the four places, over windows that reach one pixel out, to one picture of twice the size."""
    parts = places.chunk(4, dim=1)
    h, w = places.shape[2] - 1, places.shape[3] - 1
    b, channels = len(places), parts[0].shape[1]
    whole = places.new_empty(b, channels, 2 * h, 2 * w).to(memory_format=torch.channels_last)
    for number, part in enumerate(parts):
        y, x = divmod(number, 2)
        whole[:, :, y::2, x::2] = part[:, :, y : y + h, x : x + w]
    return whole
