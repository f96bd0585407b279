"""What stays float32 though convolutions compute in two bytes (`torch.autocast`): coordinates, pictures and losses.

bfloat16 has 8 bits of mantissa: at 256 pixels a coordinate of it is a pixel off, and a picture in it has fewer shades
than a PNG. These are all the places that keep to float32, whatever the training's precision:

* offsets once their head has given them, and the flows made of them (`vtryon.models.flow.AFlowNet`);
* what is sampled by a flow, as torch wants pictures and coordinates of one type (`vtryon.models.flow.sample`);
* the products of the cost volume (`vtryon.models.correlation.cost_volume`);
* the generator's pictures from before tanh and sigmoid on (`vtryon.models.tryon.compose`);
* distances and their means (`vtryon.losses`), SSIM's windows among them;
* fake-quantized parts, which have to compute as int8 will (`vtryon.compression.quantization_inc`);
* the strided depthwise convolutions of EfficientNet-Lite0, for speed (`vtryon.models.features.efficientnet`);
* what a teacher's answer is kept of on disk, for runs of any precision (`vtryon.training.teacher_cache`);
* all of validation and test (`vtryon.training.precision`).
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn

HALVES = (torch.bfloat16, torch.float16)


def at_least_single(numbers: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """`numbers` in float32 if they are of two bytes, else themselves (no operation, in a traced graph neither).

    Example:
        >>> import torch
        >>> at_least_single(torch.zeros(1, dtype=torch.bfloat16)).dtype, at_least_single(torch.zeros(1)).dtype
        (torch.float32, torch.float32)
    """
    return numbers.float() if numbers.dtype in HALVES else numbers


def without_autocast(device: torch.device) -> AbstractContextManager:
    """A block in which every operation on `device` computes in the type of what it is given."""
    if not torch.amp.is_autocast_available(device.type):  # such as "meta", on which networks are counted
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


class InSingle(nn.Module):
    """A layer or part of a network that computes in float32 under autocast as well, and answers in it."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Float[Tensor, "b c h w"]) -> Tensor | tuple[Tensor, ...]:
        with without_autocast(x.device):
            return self.layer(at_least_single(x))
