"""The encoder of the warping module: features of a picture at five sizes (PF-AFN, section 3.2)."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from vtryon.models.layers.convolution import convolution


class FeatureEncoder(nn.Module):
    """Five stages of half the resolution each; returns the features of all, finest first."""

    def __init__(self, in_channels: int, channels: Sequence[int] = (64, 128, 256, 256, 256), separable: bool = False):
        super().__init__()
        self.encoders = nn.ModuleList(
            nn.Sequential(DownSample(input_width, width), ResBlock(width, separable), ResBlock(width, separable))
            for input_width, width in zip((in_channels, *channels), channels, strict=False)
        )

    def forward(self, x: Float[Tensor, "b n h w"]) -> tuple[Tensor, ...]:
        features = []
        for stage in self.encoders:
            x = stage(x)
            features.append(x)
        return tuple(features)


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

    def __init__(self, channels: int, separable: bool = False):
        super().__init__()
        self.block = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            *convolution(channels, separable),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            *convolution(channels, separable),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)
