"""AFWM, the appearance flow warping module: it moves the garment to where the person wears it (PF-AFN, section 3.2).

Attribute names are those of the released checkpoints.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vtryon.models.flow import AFlowNet, sample, upsampled
from vtryon.models.layers.encoder import FeatureEncoder
from vtryon.models.layers.pyramid import RefinePyramid

GARMENT_CHANNELS = 3
STRUCTURE = {"flow_levels": None, "shared": False, "separable": False}  # as released


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
        flow_levels: of the pyramids, counted from the coarsest, on which the flow is estimated; None, as released: on
            all. Each level that is left out is a doubling of the flow, at a quarter of the places.
        shared: one encoder and one pyramid see both pictures; as released each has its own.
        separable: the 3x3 convolutions of the encoders' residual blocks are separable; as released they are whole.

    Raises:
        ValueError: `reduction` is neither 1 nor 2, `flow_levels` is no level, or the person that a shared encoder
            should see is no photo.
    """

    def __init__(
        self,
        cond_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256, 256, 256),
        fpn_channels: int = 256,
        flow_channels: Sequence[int] = (128, 64, 32),
        radius: int = 3,
        reduction: int = 1,
        flow_levels: int | None = None,
        shared: bool = False,
        separable: bool = False,
    ):
        super().__init__()
        if reduction not in (1, 2):
            raise ValueError(f"reduction (={reduction}) must be 1 or 2: a coarser flow loses the sleeves")
        if flow_levels is not None and not 1 <= flow_levels <= len(channels):
            raise ValueError(f"flow_levels (={flow_levels}) must be null, or one of 1 to {len(channels)}")
        if shared and cond_channels != GARMENT_CHANNELS:
            raise ValueError(
                f"shared (=True) encoders see a photo and a garment, of {GARMENT_CHANNELS} channels each, and "
                f"cond_channels is {cond_channels}; leave the tutor's apart"
            )
        self.architecture = {
            "cond_channels": cond_channels,
            "channels": list(channels),
            "fpn_channels": fpn_channels,
            "flow_channels": list(flow_channels),
            "radius": radius,
        }
        chosen = {"reduction": reduction, "flow_levels": flow_levels, "shared": shared, "separable": separable}
        released = STRUCTURE | {"reduction": 1}  # absent from files of networks that are so
        self.architecture |= {key: value for key, value in chosen.items() if value != released[key]}
        self.reduction, self.shared = reduction, shared
        self.image_features = FeatureEncoder(GARMENT_CHANNELS, channels, separable)
        if not shared:
            self.cond_features = FeatureEncoder(cond_channels, channels, separable)
        self.image_FPN = RefinePyramid(channels, fpn_channels, flow_levels)
        if not shared:
            self.cond_FPN = RefinePyramid(channels, fpn_channels, flow_levels)
        self.aflow_net = AFlowNet(fpn_channels, flow_channels, radius, levels=flow_levels or len(channels))

    def forward(self, cond: Float[Tensor, "b n h w"], cloth: Float[Tensor, "b 3 h w"]) -> Warp:
        """`cond`: the person; `cloth`: the garment in [-1, 1], 0 off the garment; h and w divisible by 32 reduction."""
        if not self.shared:
            return self.align(self.look(cond), cloth)
        self._raise_unless_divisible(cond)
        both = self._features("shared", torch.cat([cond, cloth]))  # one batch, so that norms know both
        person, garment = zip(*(level.chunk(2) for level in both), strict=True)
        return self.move(garment, person, cloth)

    def look(self, cond: Float[Tensor, "b n h w"]) -> tuple[Tensor, ...]:
        """The person pyramid, coarsest first; one look serves any number of garments."""
        self._raise_unless_divisible(cond)
        return self._features("person", cond)

    def align(self, person_features: tuple[Tensor, ...], cloth: Float[Tensor, "b 3 h w"]) -> Warp:
        """Move `cloth` to the person whose features are given."""
        return self.move(self._features("garment", cloth), person_features, cloth)

    def pyramid_widths(self) -> list[int]:
        """Channels of the person pyramid, coarsest first; pruning may have made them differ."""
        return self.pyramids()["shared" if self.shared else "person"][1].widths()

    def pyramids(self) -> dict[str, tuple[nn.Module, nn.Module]]:
        """The encoder and the feature pyramid over it, of the garment and of the person, or the shared ones."""
        if self.shared:
            return {"shared": (self.image_features, self.image_FPN)}
        return {
            "garment": (self.image_features, self.image_FPN),
            "person": (self.cond_features, self.cond_FPN),
        }

    def correlated_layers(self) -> list[nn.Conv2d]:
        """The convolutions whose outputs the cost volume compares: those of each pyramid, coarsest level first."""
        return [layer for _, pyramid in self.pyramids().values() for layer in pyramid.smooth]

    def _features(self, of: str, picture: Tensor) -> tuple[Tensor, ...]:
        encoder, pyramid = self.pyramids()["shared" if self.shared else of]
        return pyramid(encoder(self._reduced(picture)))

    def move(self, garment_features: tuple[Tensor, ...], person_features: tuple[Tensor, ...], cloth: Tensor) -> Warp:
        """Move `cloth`, of which the features are known too, to the person."""
        flows, offsets = self.aflow_net(garment_features, person_features)
        while flows[-1].shape[2] < cloth.shape[2]:
            flows = (*flows, upsampled(flows[-1]))
        return Warp(sample(cloth, flows[-1]), flows[-1], flows, offsets, person_features)

    def _raise_unless_divisible(self, cond: Tensor) -> None:
        step = self.reduction * 2 ** len(self.architecture["channels"])
        if cond.shape[2] % step or cond.shape[3] % step:
            raise ValueError(f"cond {tuple(cond.shape)}: height and width must be divisible by {step}")

    def _reduced(self, picture: Tensor) -> Tensor:
        return picture if self.reduction == 1 else F.avg_pool2d(picture, self.reduction)
