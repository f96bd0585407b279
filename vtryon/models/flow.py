"""Appearance flow from coarse to fine: AFlowNet of PF-AFN (Ge et al., CVPR 2021, section 3.2).

A flow is an absolute sampling grid in [-1, 1] of shape (b, 2, h, w), x before y, in corner-aligned geometry
(`align_corners=True`: the released weights come from torch 1.1, which knew no other). Offsets are in pixels of a level.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vtryon.models.correlation.cost_volume import correlate
from vtryon.models.precision import at_least_single


def sample(
    image: Float[Tensor, "b c h w"],
    flow: Float[Tensor, "b 2 i j"],
    padding: str = "border",
) -> Float[Tensor, "b c i j"]:
    """Look `image` up at the places that `flow` names; `padding` is what lies outside: "border" or "zeros".

    A picture of two bytes a number is sampled in float32, the type of its flow.
    """
    return F.grid_sample(
        at_least_single(image),
        flow.permute(0, 2, 3, 1),
        mode="bilinear",
        padding_mode=padding,
        align_corners=True,
    )


def identity_grid(h: int, w: int, like: Tensor | None = None) -> Float[Tensor, "1 2 {h} {w}"]:
    """The flow that leaves a picture as it is; `like` gives dtype and device."""
    options = {} if like is None else {"dtype": like.dtype, "device": like.device}
    y = torch.linspace(-1, 1, h, **options).view(1, 1, h, 1).expand(1, 1, h, w)
    x = torch.linspace(-1, 1, w, **options).view(1, 1, 1, w).expand(1, 1, h, w)
    return torch.cat([x, y], dim=1)


def to_flow(offset: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
    """Pixel offsets to the absolute grid `identity + offset`."""
    h, w = offset.shape[-2:]
    y = torch.arange(h, dtype=offset.dtype, device=offset.device).view(1, h, 1).expand(1, h, w)
    x = torch.arange(w, dtype=offset.dtype, device=offset.device).view(1, 1, w).expand(1, h, w)
    half = offset.new_tensor([max(w - 1, 1) / 2, max(h - 1, 1) / 2]).view(
        1, 2, 1, 1
    )  # a side of one pixel has no extent
    return (torch.stack([x, y], dim=1) + offset) / half - 1


def upsampled(flow: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c i j"]:
    """A flow, or a picture, for twice the height and width; the places that a flow names stay the same."""
    return F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)


class AFlowNet(nn.Module):
    """Two offset heads a level, coarsest level first: one reads the cost volume, the other refines what it says.

    Attribute names are those of the released checkpoints.

    Args:
        channels: of the feature pyramids.
        hidden: widths of the three hidden convolutions of each head.
        radius: reach of the cost volume in pixels of a level; (2 radius + 1)^2 channels.
        levels: of the pyramids.
    """

    def __init__(
        self,
        channels: int = 256,
        hidden: Sequence[int] = (128, 64, 32),
        radius: int = 3,
        levels: int = 5,
    ):
        super().__init__()
        self.radius = radius
        self.netMain = nn.ModuleList(_offset_head((2 * radius + 1) ** 2, hidden) for _ in range(levels))
        self.netRefine = nn.ModuleList(_offset_head(2 * channels, hidden) for _ in range(levels))

    def forward(
        self, cloth: tuple[Tensor, ...], person: tuple[Tensor, ...]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Feature pyramids, coarsest first, to (flows, offsets), coarsest first.

        Flow k has twice the resolution of level k, as it is upsampled for the next; there are two offsets a level.
        """
        flow, flows, offsets = None, [], []
        for main, refine, c, p in zip(self.netMain, self.netRefine, cloth, person, strict=True):
            # a level must not move the coarser answer in order to please its own cost volume: hence detach
            warped = c if flow is None else sample(c, flow.detach())
            coarse = at_least_single(main(F.leaky_relu(correlate(warped, p, self.radius), 0.1)))
            flow = to_flow(coarse) if flow is None else sample(flow, to_flow(coarse))
            fine = at_least_single(refine(torch.cat([sample(c, flow), p], dim=1)))
            flow = sample(flow, to_flow(fine))
            flow = upsampled(flow)
            flows.append(flow)
            offsets += [coarse, fine]
        return tuple(flows), tuple(offsets)

    def heads(self) -> list[nn.Module]:
        """The heads that read the cost volumes, then those that refine; of each kind the coarsest level first."""
        return [*self.netMain, *self.netRefine]

    def offset_layers(self) -> list[nn.Conv2d]:
        """The last convolution of each head, which gives its offset in pixels."""
        return [head[-1] for head in self.heads()]


def _offset_head(channels: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.1)]
        channels = width
    return nn.Sequential(*layers, nn.Conv2d(channels, 2, 3, padding=1))
