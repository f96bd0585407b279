"""The loss of the warping module: the warped garment must lie on the worn one, and the flow must not bend."""

from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vtryon.losses.smoothness import second_order, total_variation
from vtryon.losses.terms import Terms
from vtryon.models.afwm import Warp
from vtryon.models.flow import sample
from vtryon.models.tryon import TryOn


class Target(NamedTuple):
    """What a network must come to."""

    person: Float[Tensor, "b 3 h w"]  # the photo, [-1, 1]
    cloth: Float[Tensor, "b 3 h w"]  # the photo where the garment is, 0 elsewhere
    edge: Float[Tensor, "b 1 h w"]  # 1 where the garment is


class WarpLoss:
    """Over levels k, coarse to fine, (k + 1) times L1 + 0.2 perceptual + 2 edge L1 + 6 bend; 0.01 of the offsets' TV.

    Args:
        total_variation: weight of the ten offsets' total variation.
        perceptual: weight of the perceptual distance of warped and worn garment, at each level.
        edge: weight of the L1 of warped and worn garment mask.
        second_order: weight of the flow's second difference.
    """

    def __init__(
        self,
        total_variation: float = 0.01,
        perceptual: float = 0.2,
        edge: float = 2.0,
        second_order: float = 6.0,
    ):
        self.total_variation, self.perceptual, self.edge, self.second_order = (
            total_variation,
            perceptual,
            edge,
            second_order,
        )

    def __call__(
        self,
        warp: Warp | TryOn,
        cloth: Tensor,
        cloth_edge: Tensor,
        target: Target,
        scale: float,
    ) -> Terms:
        """`cloth` (b, 3, h, w) and `cloth_edge` (b, 1, h, w) are the garment before it was moved."""
        terms = Terms(scale)
        for offset in warp.offsets:
            terms.add("total_variation", total_variation(offset), self.total_variation)
        for level, flow in enumerate(warp.flows):
            scale_factor = 0.5 ** (len(warp.flows) - 1 - level)
            moved, goal = (
                sample(shrink(cloth * cloth_edge, scale_factor), flow),
                shrink(target.cloth, scale_factor),
            )
            edge = sample(shrink(cloth_edge, scale_factor), flow, padding="zeros")
            terms.add("cloth", F.l1_loss(moved, goal), level + 1)
            terms.look("cloth_perceptual", moved, goal, (level + 1) * self.perceptual)
            terms.add(
                "edge",
                F.l1_loss(edge, shrink(target.edge, scale_factor)),
                (level + 1) * self.edge,
            )
            terms.add("second_order", second_order(flow), (level + 1) * self.second_order)
        return terms


def shrink(image: Float[Tensor, "b c h w"], scale_factor: float) -> Float[Tensor, "b c i j"]:
    """Bilinear without antialiasing, as the released training does."""
    if scale_factor == 1:
        return image
    return F.interpolate(image, scale_factor=scale_factor, mode="bilinear", align_corners=False)
