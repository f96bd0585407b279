"""Smoothness of flows and offsets (PF-AFN, equations 3 and 4 with the released constants)."""

import torch
from jaxtyping import Float
from torch import Tensor


def total_variation(offset: Float[Tensor, "b 2 h w"]) -> Float[Tensor, ""]:
    """Mean absolute difference of neighbours, in pixels of the offset's level: down plus across."""
    down = (offset[:, :, 1:] - offset[:, :, :-1]).abs()
    across = (offset[:, :, :, 1:] - offset[:, :, :, :-1]).abs()
    return _mean(down) + _mean(across)


def second_order(flow: Float[Tensor, "b 2 h w"], epsilon: float = 1e-3, alpha: float = 0.45) -> Float[Tensor, ""]:
    r"""Penalise flows that bend: the Charbonnier norm of the second difference, x and y added.

    .. math:: L_{sec} = \sum_{x, y} \frac{1}{N} \sum_{\pi, p}
        \left( (f_{p-\pi} + f_{p+\pi} - 2 f_p)^2 + \epsilon^2 \right)^{\alpha}

    where π runs over the horizontal, the vertical and both diagonal neighbours.

    Args:
        flow: absolute sampling grid in [-1, 1].
        epsilon: rounds the corner at zero, in units of `flow`.
        alpha: 0.5 is nearly L1; 0.45, as released, forgives large folds a little more.

    Example:
        >>> import torch
        >>> ramp = torch.linspace(-1, 1, 8).expand(1, 2, 8, 8)  # an affine flow does not bend
        >>> round(float(second_order(ramp)), 5)  # the floor, 2 * epsilon ** 0.9
        0.00399
    """
    middle = 2 * flow[:, :, 1:-1, 1:-1]
    bends = torch.stack(
        [
            flow[:, :, 1:-1, :-2] + flow[:, :, 1:-1, 2:] - middle,
            flow[:, :, :-2, 1:-1] + flow[:, :, 2:, 1:-1] - middle,
            flow[:, :, :-2, :-2] + flow[:, :, 2:, 2:] - middle,
            flow[:, :, :-2, 2:] + flow[:, :, 2:, :-2] - middle,
        ]
    )
    return 2 * _mean((bends.square() + epsilon**2).pow(alpha))  # x and y have equally many: mean of both, twice


def _mean(values: Tensor) -> Tensor:
    """0 where there is nothing: the coarsest levels of a small picture are one or two pixels wide."""
    return values.sum() / max(values.numel(), 1)
