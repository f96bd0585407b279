"""The 3x3 convolution of a residual block: whole, as released, or in two steps of a ninth of its products."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def convolution(channels: int, separable: bool = False) -> list[nn.Conv2d]:
    """Layers in a row that make a 3x3 convolution of as many channels out as in, without bias.

    A separable one filters each channel by itself, then mixes the channels at each place (Howard et al., MobileNets,
    2017, section 3.1).
    """
    if not separable:
        return [nn.Conv2d(channels, channels, 3, padding=1, bias=False)]
    return [
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
    ]


def separated(weight: Float[Tensor, "o i 3 3"]) -> tuple[Float[Tensor, "i 1 3 3"], Float[Tensor, "o i 1 1"]]:
    """The weights of a separable convolution that come nearest to those of a whole one.

    Of each input channel the kernels of all outputs become one kernel, of a strength for each output: the best such
    product in the sum of squares is the first term of the singular value decomposition (Guo et al., Network
    Decoupling, BMVC 2018, section 3).
    """
    outputs, inputs = weight.shape[:2]
    left, strength, right = torch.linalg.svd(weight.transpose(0, 1).reshape(inputs, outputs, 9), full_matrices=False)
    root = strength[:, :1].sqrt()
    kernels = (right[:, 0] * root).reshape(inputs, 1, 3, 3)
    mixing = (left[:, :, 0] * root).T.reshape(outputs, inputs, 1, 1)
    return kernels, mixing


def with_separable(block: nn.Sequential) -> nn.Sequential:
    """The layers of `block`, each 3x3 convolution as the separable one that comes nearest."""
    layers: list[nn.Module] = []
    for layer in block:
        layers += _steps(layer) if isinstance(layer, nn.Conv2d) else [layer]
    return nn.Sequential(*layers)


@torch.no_grad()
def _steps(conv: nn.Conv2d) -> list[nn.Conv2d]:
    steps = convolution(conv.in_channels, separable=True)
    for step, weight in zip(steps, separated(conv.weight), strict=True):
        step.weight.copy_(weight)
    return steps
