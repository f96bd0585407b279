"""What the tutor and the student are trained by: the released training's four losses, with named terms."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vtryon.losses.distillation import AdjustableDistillation
from vtryon.losses.terms import Perceptual, Terms
from vtryon.losses.warping import Target, WarpLoss
from vtryon.models.afwm import Warp
from vtryon.models.tryon import TryOn


class TutorLoss(nn.Module):
    """Stages 1 and 2: the warp alone, then 0.5 of it and the generator.

    Args:
        perceptual: a feature network's distance; its passes over all pairs of a step are batched.
        warping: the warp's own loss.
        warp: weight of the warp's loss once the generator learns too.
    """

    def __init__(self, perceptual: Perceptual, warping: WarpLoss | None = None, warp: float = 0.5):
        super().__init__()
        self.perceptual, self.warping, self.warp = (
            perceptual,
            warping or WarpLoss(),
            warp,
        )

    def of_warp(self, output: Warp, cloth: Tensor, cloth_edge: Tensor, target: Target) -> dict[str, Tensor]:
        return self.warping(output, cloth, cloth_edge, target, scale=1).total(self.perceptual)

    def forward(self, output: TryOn, cloth: Tensor, cloth_edge: Tensor, target: Target) -> dict[str, Tensor]:
        terms = self.warping(output, cloth, cloth_edge, target, scale=self.warp)
        terms.join(generator_terms(output, target))
        return terms.total(self.perceptual)


class StudentLoss(nn.Module):
    """Stages 3 and 4: the tutor's lesson joins the warp's loss, and bared skin counts more.

    Args:
        perceptual: a feature network's distance; its passes over all pairs of a step are batched.
        warping: the warp's own loss.
        distillation: what of the tutor's lesson is taught, to the samples that the tutor warps better.
        warp: weight of the warp's loss and the lesson once the generator learns too.
        skin: weights (L1, perceptual) of the rendered skin that the garment of the fake had covered.
        late_skin: the same in the second half of the training.
        keep: weight of what a network with a keep output keeps of the photo's old garment, which has to go.
        outside: weight of the mask where the photo shows no garment, such as hair and arms before it; 0 as released,
            where the mask is free there.
    """

    def __init__(
        self,
        perceptual: Perceptual,
        warping: WarpLoss | None = None,
        distillation: AdjustableDistillation | None = None,
        warp: float = 0.25,
        skin: tuple[float, float] = (30, 2),
        late_skin: tuple[float, float] = (60, 4),
        keep: float = 5.0,
        outside: float = 0.0,
    ):
        super().__init__()
        self.perceptual, self.warp = perceptual, warp
        self.warping, self.distillation = (
            warping or WarpLoss(),
            distillation or AdjustableDistillation(),
        )
        self.skin, self.late_skin, self.keep, self.outside = skin, late_skin, keep, outside

    def of_warp(
        self,
        output: Warp,
        lesson: Warp,
        cloth: Tensor,
        cloth_edge: Tensor,
        target: Target,
    ) -> dict[str, Tensor]:
        return self._warp_terms(output, lesson, cloth, cloth_edge, target, scale=1).total(self.perceptual)

    def forward(
        self,
        output: TryOn,
        lesson: Warp,
        fake_edge: Float[Tensor, "b 1 h w"],
        cloth: Tensor,
        cloth_edge: Tensor,
        target: Target,
        late: bool = False,
    ) -> dict[str, Tensor]:
        """`fake_edge`: where the tutor's fake wears its garment; `late`: in the second half of the training."""
        terms = self._warp_terms(output, lesson, cloth, cloth_edge, target, scale=self.warp)
        painted = generator_terms(output, target)
        skin = fake_edge * (1 - target.edge)
        l1, perceptual = self.late_skin if late else self.skin
        bared, real = output.rendered * skin, target.person * skin
        painted.add("skin", F.l1_loss(bared, real), l1)
        painted.look("skin_perceptual", bared, real, perceptual)
        if self.outside:
            painted.add("outside", (output.mask * (1 - target.edge)).mean(), self.outside)
        if isinstance(output.keep, Tensor):
            painted.add("keep", (output.keep * fake_edge).mean(), self.keep)
        terms.join(painted)  # at its own scale, not the warp's
        return terms.total(self.perceptual)

    def _warp_terms(self, output, lesson, cloth, cloth_edge, target, scale) -> Terms:
        terms = self.warping(output, cloth, cloth_edge, target, scale)
        terms.join(self.distillation(output, lesson, target.cloth, scale))
        return terms


def generator_terms(output: TryOn, target: Target) -> Terms:
    """The try-on and the rendered person must be the photo, and the mask should trust the garment.

    In training the mask is cut to where the garment really is, so that the generator need not mend a bad warp.
    """
    mask = output.mask * target.edge
    image = output.warped_cloth * mask + output.rendered * (1 - mask)
    terms = Terms()
    terms.add("image", F.l1_loss(image, target.person), 5)
    terms.look("image_perceptual", image, target.person)
    terms.add("rendered", F.l1_loss(output.rendered, target.person), 5)
    terms.look("rendered_perceptual", output.rendered, target.person)
    terms.add("mask", (1 - mask).mean())
    return terms
