"""The VGG19 features of PF-AFN's perceptual loss (Simonyan and Zisserman, ICLR 2015)."""

import os

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from vtryon.models.features.pretrained import WeightFile
from vtryon.models.frozen import Frozen

IMAGENET = WeightFile("vgg19-dcbb9e9d.pth", "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth")
TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1


class VGG19Taps(nn.Module):
    """relu1_1, 2_1, 3_1, 4_1 and 5_1 with ImageNet weights, frozen; gradients reach the image only.

    PF-AFN feeds it [-1, 1] as is, without ImageNet's mean and deviation, and so does this.

    Args:
        path: the weight file; by default `vgg19-dcbb9e9d.pth` in torch hub's cache.
    """

    name = "vgg19"

    def __init__(self, path: str | os.PathLike | None = None):
        super().__init__()
        self._build(IMAGENET, path)

    def _build(self, file: WeightFile, path: str | os.PathLike | None) -> None:
        weights = file.load(path)
        self.weights_sha256 = weights.sha256
        self.frozen = Frozen(VGGLayers(weights.state_dict))

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """Features of an image in [-1, 1] at strides 1, 2, 4, 8, 16."""
        return self.frozen.net(image)  # not through Frozen.forward, which stops the gradient to the image


class VGGLayers(nn.Module):
    def __init__(self, state_dict: dict[str, Tensor]):
        super().__init__()
        with torch.device("meta"):
            self.features = make_layers(cfgs["E"], batch_norm=False)[: TAPS[-1] + 1]
        mine = {key: state_dict[key] for key in self.state_dict()}  # the classifier is not needed
        self.load_state_dict(mine, assign=True)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        taps = []
        for index, layer in enumerate(self.features):
            x = pool(x) if isinstance(layer, nn.MaxPool2d) else layer(x)
            if index in TAPS:
                taps.append(x)
        return tuple(taps)


def pool(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _ _"]:
    """Halve, rounding down, but keep an axis of size 1, as torch 1.1 did when PF-AFN was trained.

    The coarsest level of the warp loss is 16x12 and reaches 2x1, which torch >= 1.2 refuses to pool.
    """
    window = tuple(min(2, size) for size in x.shape[2:])
    return F.max_pool2d(x, window, stride=window)
