"""AFWM, the appearance flow warping module: it moves the garment to where the person wears it (PF-AFN, section 3.2).

Attribute names are those of the released checkpoints.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vtryon.models.flow import AFlowNet, sample, upsampled


class Warp(NamedTuple):
    """What the warping module says of a batch."""

    cloth: Float[Tensor, "b 3 h w"]  # the garment, moved
    flow: Float[Tensor, "b 2 h w"]  # absolute sampling grid in [-1, 1]
    flows: tuple[Tensor, ...]  # the same, of every level, coarsest first, each twice the size; the last is `flow`
    offsets: tuple[Tensor, ...]  # pixels of a level: coarse 0, fine 0, coarse 1, ...
    person_features: tuple[Tensor, ...]  # person pyramid, coarsest first


class AFWM(nn.Module):
    """Garment and person feature pyramids, and a flow estimated from coarse to fine between them.

    Args:
        cond_channels: what is known of the person: 3 for a photo (student), 45 for the parser's maps (tutor).
        channels: widths of the five encoder stages, each of half the resolution of the one before.
        fpn_channels: width of all pyramid levels.
        flow_channels: hidden widths of the offset heads.
        radius: reach of the cost volume in pixels of a level.
        reduction: 1, as released, or 2: the pictures are halved before the flow is estimated, and the flow is doubled.
            The garment itself is always moved at its own size, so prints stay sharp, at a quarter of the work.

    Raises:
        ValueError: `reduction` is neither 1 nor 2.
    """

    def __init__(
        self,
        cond_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256, 256, 256),
        fpn_channels: int = 256,
        flow_channels: Sequence[int] = (128, 64, 32),
        radius: int = 3,
        reduction: int = 1,
    ):
        super().__init__()
        if reduction not in (1, 2):
            raise ValueError(f"reduction (={reduction}) must be 1 or 2: a coarser flow loses the sleeves")
        self.architecture = {
            "cond_channels": cond_channels,
            "channels": list(channels),
            "fpn_channels": fpn_channels,
            "flow_channels": list(flow_channels),
            "radius": radius,
        }
        if reduction != 1:  # absent from files of networks that have none
            self.architecture["reduction"] = reduction
        self.reduction = reduction
        self.image_features = FeatureEncoder(3, channels)
        self.cond_features = FeatureEncoder(cond_channels, channels)
        self.image_FPN = RefinePyramid(channels, fpn_channels)
        self.cond_FPN = RefinePyramid(channels, fpn_channels)
        self.aflow_net = AFlowNet(fpn_channels, flow_channels, radius, levels=len(channels))

    def forward(self, cond: Float[Tensor, "b n h w"], cloth: Float[Tensor, "b 3 h w"]) -> Warp:
        """`cond`: the person; `cloth`: the garment in [-1, 1], 0 off the garment; h and w divisible by 32 reduction."""
        return self.align(self.look(cond), cloth)

    def look(self, cond: Float[Tensor, "b n h w"]) -> tuple[Tensor, ...]:
        """The person pyramid, coarsest first; one look serves any number of garments."""
        step = self.reduction * 2 ** len(self.aflow_net.netMain)
        if cond.shape[2] % step or cond.shape[3] % step:
            raise ValueError(f"cond {tuple(cond.shape)}: height and width must be divisible by {step}")
        return self.cond_FPN(self.cond_features(self._reduced(cond)))

    def pyramid_widths(self) -> list[int]:
        """Channels of the person pyramid, coarsest first; pruning may have made them differ."""
        return self.cond_FPN.widths()

    def pyramids(self) -> dict[str, tuple["FeatureEncoder", "RefinePyramid"]]:
        """The encoder and the feature pyramid over it, of the garment and of the person."""
        return {
            "garment": (self.image_features, self.image_FPN),
            "person": (self.cond_features, self.cond_FPN),
        }

    def correlated_layers(self) -> list[nn.Conv2d]:
        """The convolutions whose outputs the cost volume compares: those of both pyramids, coarsest level first."""
        return [*self.image_FPN.smooth, *self.cond_FPN.smooth]

    def align(self, person_features: tuple[Tensor, ...], cloth: Float[Tensor, "b 3 h w"]) -> Warp:
        """Move `cloth` to the person whose features are given."""
        flows, offsets = self.aflow_net(self.image_FPN(self.image_features(self._reduced(cloth))), person_features)
        if self.reduction == 2:
            flows = (*flows, upsampled(flows[-1]))
        return Warp(sample(cloth, flows[-1]), flows[-1], flows, offsets, person_features)

    def _reduced(self, picture: Tensor) -> Tensor:
        return picture if self.reduction == 1 else F.avg_pool2d(picture, self.reduction)


class FeatureEncoder(nn.Module):
    """Five stages of half the resolution each; returns the features of all, finest first."""

    def __init__(self, in_channels: int, channels: Sequence[int] = (64, 128, 256, 256, 256)):
        super().__init__()
        self.encoders = nn.ModuleList(
            nn.Sequential(DownSample(input_width, width), ResBlock(width), ResBlock(width))
            for input_width, width in zip((in_channels, *channels), channels, strict=False)
        )

    def forward(self, x: Float[Tensor, "b n h w"]) -> tuple[Tensor, ...]:
        features = []
        for stage in self.encoders:
            x = stage(x)
            features.append(x)
        return tuple(features)


class RefinePyramid(nn.Module):
    """A feature pyramid without norm or activation; the smoothed map is both the output and what is passed on."""

    def __init__(self, channels: Sequence[int], width: int = 256):
        super().__init__()
        self.adaptive = nn.ModuleList(nn.Conv2d(c, width, 1) for c in reversed(channels))
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Encoder features, finest first, to pyramid maps, coarsest first."""
        levels: list[Tensor] = []
        for lateral, smooth, x in zip(self.adaptive, self.smooth, reversed(features), strict=True):
            x = lateral(x)
            if levels:
                x = x + F.interpolate(levels[-1], scale_factor=2, mode="nearest")
            levels.append(smooth(x))
        return tuple(levels)

    def widths(self) -> list[int]:
        """Channels of each level, coarsest first."""
        return [smooth.out_channels for smooth in self.smooth]


class DownSample(nn.Module):
    """Norm and activation come first, on the raw input as well."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.block = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=False),  # the first one would overwrite the caller's picture
            nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class ResBlock(nn.Module):
    """The pre-activation residual block."""

    def __init__(self, channels: int):
        super().__init__()
        self.block = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)
