"""The feature pyramid over an encoder (PF-AFN, section 3.2)."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class RefinePyramid(nn.Module):
    """A feature pyramid without norm or activation; the smoothed map is both the output and what is passed on.

    Args:
        channels: of the encoder's features, finest first.
        width: of all levels.
        levels: of the pyramid, counted from the coarsest; None: as many as the encoder has stages.
    """

    def __init__(self, channels: Sequence[int], width: int = 256, levels: int | None = None):
        super().__init__()
        seen = channels[len(channels) - (levels or len(channels)) :]
        self.adaptive = nn.ModuleList(nn.Conv2d(c, width, 1) for c in reversed(seen))
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in seen)

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Encoder features, finest first, to pyramid maps, coarsest first; it may have fewer levels."""
        levels: list[Tensor] = []
        seen = reversed(features[-len(self.adaptive) :])
        for lateral, smooth, x in zip(self.adaptive, self.smooth, seen, strict=True):
            x = lateral(x)
            if levels:
                x = x + F.interpolate(levels[-1], scale_factor=2, mode="nearest")
            levels.append(smooth(x))
        return tuple(levels)

    def widths(self) -> list[int]:
        """Channels of each level, coarsest first."""
        return [smooth.out_channels for smooth in self.smooth]
