"""ResUnetGenerator: it renders what the warped garment leaves open, and a mask of where to trust which (PF-AFN, 3.3).

Attribute names and positions inside each Sequential are those of the released checkpoints.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vtryon.models.layers.convolution import convolution

STRUCTURE = {"separable": False}  # as released


class ResUnetGenerator(nn.Module):
    """A U-Net with two residual blocks at every step down and up.

    Args:
        in_channels: 7 for the student (person, warped cloth, warped edge), 8 for the tutor (and bare arms).
        out_channels: 3 of the rendered person and 1 of the composition mask, before tanh and sigmoid.
        num_downs: steps down; widths are ngf times 1, 2, 4, 8, 8, ...
        ngf: width of the outermost level.
        keep: one more output: how much of the photo the rendered person keeps (before a sigmoid). Not in the released
            architecture.
        separable: the 3x3 convolutions of the residual blocks are separable; as released they are whole.
    """

    def __init__(
        self,
        in_channels: int = 7,
        out_channels: int = 4,
        num_downs: int = 5,
        ngf: int = 64,
        keep: bool = False,
        separable: bool = False,
    ):
        super().__init__()
        self.architecture = {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "num_downs": num_downs,
            "ngf": ngf,
            "keep": keep,
        }
        if separable:  # absent from files of networks that have none
            self.architecture["separable"] = separable
        widths = [ngf * min(2**level, 8) for level in range(num_downs)]
        block: nn.Module | None = None
        for level in reversed(range(1, num_downs)):
            block = _Level(widths[level - 1], widths[level], block, separable)
        self.model = _Outermost(in_channels, out_channels + keep, ngf, block, separable)

    def forward(self, x: Float[Tensor, "b n h w"]) -> Float[Tensor, "b m h w"]:
        return self.model(x)

    def picture_layer(self) -> nn.Conv2d:
        """The last convolution, which gives picture, mask and perhaps keep before tanh and sigmoid."""
        return self.model.model[-1]

    def blocks(self) -> tuple[list[nn.Sequential], list[nn.Sequential]]:
        """The same layers as blocks in a row: those of the way down and those of the way up, each outermost first.

        Up block k sees what down block k gave out, and after it what up block k + 1 made of that; the innermost sees
        the innermost down block alone.
        """
        down, up = [], []
        level = self.model
        while level is not None:
            layers = list(level.model)
            turn = next(at for at, layer in enumerate(layers) if isinstance(layer, nn.Upsample))
            inside = [layer for layer in layers if isinstance(layer, _Level)]
            down.append(nn.Sequential(*(layer for layer in layers[:turn] if layer not in inside)))
            up.append(nn.Sequential(*layers[turn:]))
            level = inside[0] if inside else None
        return down, up


class _Outermost(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, width: int, inside: nn.Module, separable: bool):
        super().__init__()
        self.model = nn.Sequential(
            *_down(in_channels, width, False, separable),
            inside,
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(2 * width, out_channels, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class _Level(nn.Module):
    """Down, what lies inside, up; the input is put before the result."""

    def __init__(self, outer: int, inner: int, inside: nn.Module | None, separable: bool):
        super().__init__()
        innermost = inside is None
        self.model = nn.Sequential(
            *_down(outer, inner, not innermost, separable),
            *([] if innermost else [inside]),
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(inner if innermost else 2 * inner, outer, 3, padding=1, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(inplace=True),
            ResidualBlock(outer, separable),
            ResidualBlock(outer, separable),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.model(x)], dim=1)


def _down(in_channels: int, width: int, norm: bool, separable: bool) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, width, 3, stride=2, padding=1, bias=False)
    norms = [nn.BatchNorm2d(width)] if norm else []
    return [
        conv,
        *norms,
        nn.ReLU(inplace=True),
        ResidualBlock(width, separable),
        ResidualBlock(width, separable),
    ]


class ResidualBlock(nn.Module):
    """The residual block of the first ResNet: the activation follows the sum."""

    def __init__(self, channels: int, separable: bool = False):
        super().__init__()
        self.block = nn.Sequential(
            *convolution(channels, separable),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            *convolution(channels, separable),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.block(x))
