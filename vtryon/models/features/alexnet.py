"""LPIPS on AlexNet (Zhang et al., CVPR 2018, version 0.1), as torchmetrics computes it, never downloaded."""

import os
from types import SimpleNamespace
from unittest import mock

import torch
import torchvision
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

from vtryon.models.features.pretrained import WeightFile
from vtryon.models.frozen import Frozen
from vtryon.utils.image import from_uint8

IMAGENET = WeightFile("alexnet-owt-7be5be79.pth", "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth")


class AlexNetLPIPS(nn.Module):
    """The learned distance of two pictures; what weighs AlexNet's channels comes with torchmetrics.

    Args:
        path: torchvision's weight file; by default `alexnet-owt-7be5be79.pth` in torch hub's cache. Without it
            `WeightsNotFoundError` is raised: there is no LPIPS on other features.
    """

    name = "alexnet"
    preprocessing = "uint8 / 127.5 - 1, not resized, LPIPS 0.1"

    def __init__(self, path: str | os.PathLike | None = None):
        super().__init__()
        self._build(IMAGENET, path)

    def _build(self, file: WeightFile, path: str | os.PathLike | None) -> None:
        weights = file.load(path)
        self.weights_sha256 = weights.sha256
        with torch.device("meta"):
            features = torchvision.models.alexnet(weights=None).features
        feature_weights = {key: weights.state_dict[f"features.{key}"] for key in features.state_dict()}
        features.load_state_dict(feature_weights, assign=True)
        # torchmetrics can only have torchvision fetch the weights; hand it the layers with those that were checked
        with mock.patch.object(torchvision.models, "alexnet", return_value=SimpleNamespace(features=features)):
            self.frozen = Frozen(LearnedPerceptualImagePatchSimilarity("alex").net)

    @torch.no_grad()
    def forward(self, image: UInt8[Tensor, "b 3 h w"], truth: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
        """0 for equal pictures; the sides are at least 32 pixels."""
        return self.frozen(from_uint8(image), from_uint8(truth)).flatten()
