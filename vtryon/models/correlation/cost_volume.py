"""The cost volume of AFlowNet: how alike each garment feature is to the person features around the same place.

It has several forms, all equal to rounding, none of which but `unfolded` holds shifted copies of the features. Which
one `correlate` takes is a matter of measured time: `vtryon bench correlation` prints each form's at each level.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from vtryon.models.correlation.compiled import RADIUS, compiled
from vtryon.models.correlation.formulations import pieces, shifted, unfolded
from vtryon.models.correlation.tiled import tiled, tiled_backward

FORMS = {form.__name__: form for form in (shifted, unfolded, pieces, tiled, compiled)}


def correlate(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> Float[Tensor, "b k h w"]:
    r"""Mean product of `first` with `second` shifted by up to `radius` pixels each way.

    .. math:: out[k, y, x] = \frac{1}{C} \sum_c first[c, y, x] \; second[c, y + dy, x + dx]

    with zeros outside `second` and k = (dy + r)(2r + 1) + dx + r, so that dx runs fastest (FlowNet 2's order).
    """
    if first.shape != second.shape:
        raise ValueError(
            f"first {tuple(first.shape)} and second {tuple(second.shape)} must have one shape (b, c, h, w)"
        )
    return torch.ops.vtryon.correlate(first, second, radius)


def form(features: Float[Tensor, "b c h w"], radius: int = RADIUS) -> str:
    """The name in `FORMS` of the fastest form for features of this shape, type and device."""
    simple = features.device.type == "cpu" and features.dtype == torch.float32 and radius == RADIUS
    return "compiled" if simple else "tiled"


# Defined by its schema: a function under `torch.library.custom_op` imports torch's compiler when it is first called,
# which takes as long as everything else that a single try-on does.
torch.library.define("vtryon::correlate", "(Tensor first, Tensor second, int radius) -> Tensor")
torch.library.define(
    "vtryon::correlate_backward", "(Tensor grad, Tensor first, Tensor second, int radius) -> (Tensor, Tensor)"
)


@torch.library.impl("vtryon::correlate", "default")
def _correlate(first: Tensor, second: Tensor, radius: int) -> Tensor:
    return FORMS[form(first, radius)](first, second, radius)


@torch.library.register_fake("vtryon::correlate")
def _(first: Tensor, second: Tensor, radius: int) -> Tensor:
    b, _, h, w = first.shape
    return first.new_empty(b, (2 * radius + 1) ** 2, h, w)


@torch.library.impl("vtryon::correlate_backward", "default")
def _correlate_backward(grad: Tensor, first: Tensor, second: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    return tiled_backward(grad, first, second, radius)


@torch.library.register_fake("vtryon::correlate_backward")
def _(grad: Tensor, first: Tensor, second: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(first), torch.empty_like(second)


def _keep(ctx, inputs, output):
    first, second, ctx.radius = inputs
    ctx.save_for_backward(first, second)


def _backward(ctx, grad):
    return *torch.ops.vtryon.correlate_backward(grad.contiguous(), *ctx.saved_tensors, ctx.radius), None


torch.library.register_autograd("vtryon::correlate", _backward, setup_context=_keep)


for _device in ("cpu", "cuda"):  # under autocast, products of float32: features come as they lie, one of them sampled
    torch.library.register_autocast("vtryon::correlate", _device, torch.float32)


@register_flop_formula(torch.ops.vtryon.correlate)
def _flops(first_shape, second_shape, radius, *args, out_shape=None, **kwargs) -> int:
    b, c, h, w = first_shape
    return 2 * (2 * radius + 1) ** 2 * b * c * h * w  # the products that are wanted, not the tiles' surplus
