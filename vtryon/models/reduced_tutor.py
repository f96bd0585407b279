"""A tutor that works on halved pictures and answers for whole ones, so that a student may outgrow what it learnt from.

A tutor needs hours at 128x96 and days at 256x192. What it must give the student is a person in another garment: where
the garment lies is known as well from halved pictures, the garment itself is moved at its own size, and of the rest
only what no photo shows (bared skin, what lay behind the worn garment) has half the detail.
"""

import os

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vtryon.models.afwm import Warp
from vtryon.models.checkpoint import load_net
from vtryon.models.flow import sample, upsampled
from vtryon.models.tryon import Agnostic, TryOn, TutorNet


def load_tutor(path: str | os.PathLike, reduction: int = 1) -> nn.Module:
    """The tutor of a file; with a `reduction` of 2 it works on halved pictures (`ReducedTutor`).

    Raises:
        ValueError: the file holds no tutor, or `reduction` is neither 1 nor 2.
        CheckpointError: as `load_net`.
    """
    if reduction not in (1, 2):
        raise ValueError(f"reduction (={reduction}) of the tutor's pictures must be 1 or 2")
    tutor = load_net(path)
    if not isinstance(tutor, TutorNet):
        raise ValueError(
            f"parents.tutor (={path}) holds a {type(tutor).__name__}, which is no tutor; "
            "give the model.safetensors of experiment=tutor"
        )
    return tutor if reduction == 1 else ReducedTutor(tutor)


class ReducedTutor(nn.Module):
    """What `tutor` makes of halved pictures, enlarged: one more flow a garment, and a picture of the whole size."""

    def __init__(self, tutor: TutorNet):
        super().__init__()
        self.tutor = tutor

    def teach(
        self,
        agnostic: Agnostic,
        cloth: Float[Tensor, "b 3 h w"],
        cloth_edge: Float[Tensor, "b 1 h w"],
        other_cloth: Float[Tensor, "b 3 h w"],
        other_edge: Float[Tensor, "b 1 h w"],
    ) -> tuple[TryOn, Warp]:
        """As `TutorNet.teach`; h and w divisible by 64."""
        cond, preserved, arms = agnostic
        halved = Agnostic(cond[..., ::2, ::2], F.avg_pool2d(preserved, 2), arms[..., ::2, ::2])
        garments = (cloth, cloth_edge, other_cloth, other_edge)
        dressed, lesson = self.tutor.teach(halved, *map(_halved, garments))
        return _enlarged_try_on(dressed, other_cloth * other_edge, other_edge), _enlarged(lesson, cloth * cloth_edge)


def _halved(picture: Tensor) -> Tensor:
    halved = F.avg_pool2d(picture, 2)
    return (halved >= 0.5).to(halved.dtype) if picture.shape[1] == 1 else halved  # a mask stays 0 or 1


def _enlarged(warp: Warp, cloth: Tensor) -> Warp:
    flow = upsampled(warp.flow)
    return warp._replace(cloth=sample(cloth, flow), flow=flow, flows=(*warp.flows, flow))


def _enlarged_try_on(try_on: TryOn, cloth: Tensor, edge: Tensor) -> TryOn:
    flow = upsampled(try_on.flow)
    warped_cloth, warped_edge = sample(cloth, flow), sample(edge, flow, padding="zeros")
    rendered, mask = upsampled(try_on.rendered), upsampled(try_on.mask) * warped_edge
    return try_on._replace(
        image=warped_cloth * mask + rendered * (1 - mask),
        warped_cloth=warped_cloth,
        warped_edge=warped_edge,
        rendered=rendered,
        mask=mask,
        flow=flow,
        flows=(*try_on.flows, flow),
    )
