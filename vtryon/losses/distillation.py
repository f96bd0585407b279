"""Learning from a better network: PF-AFN's adjustable distillation, and a narrow student taught by a dense one."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchmetrics.functional.image import structural_similarity_index_measure

from vtryon.losses.terms import Perceptual, Terms
from vtryon.models.afwm import Warp
from vtryon.models.precision import at_least_single, without_autocast
from vtryon.models.tryon import TryOn


class AdjustableDistillation:
    """The tutor teaches only the samples whose garment it warps better than the student (PF-AFN, section 3.4).

    Args:
        feature: weight of the person features; level k of n counts (n - k) times, so the coarsest counts most. It
            has to be 0 where the student's pyramid has other widths than the tutor's.
        flow: weight of the flows; level k counts (k + 1) times.
        flow_from: the first level whose flow is taught; coarser ones are left free.
    """

    def __init__(self, feature: float = 0.04, flow: float = 1.0, flow_from: int = 2):
        self.feature, self.flow, self.flow_from = feature, flow, flow_from

    def __call__(
        self,
        output: Warp | TryOn,
        lesson: Warp | TryOn,
        worn: Float[Tensor, "b 3 h w"],
        scale: float = 1.0,
    ) -> Terms:
        """`worn`: the garment as worn on the photo, 0 elsewhere."""
        gate = teaches(_cloth(lesson), _cloth(output), worn)
        terms = Terms(scale)
        features = list(zip(*_of_levels(lesson, output), strict=True)) if self.feature else []
        for level, (taught, learnt) in enumerate(features):
            terms.add(
                "lesson_features",
                gated(feature_distance(taught, learnt), gate),
                self.feature * (len(features) - level),
            )
        for level, (taught, learnt) in enumerate(zip(lesson.flows, output.flows, strict=True)):
            if level >= self.flow_from:
                terms.add(
                    "lesson_flow",
                    gated(flow_distance(taught, learnt), gate),
                    self.flow * (level + 1),
                )
        return terms


def teaches(
    taught: Float[Tensor, "b 3 h w"],
    learnt: Float[Tensor, "b 3 h w"],
    worn: Float[Tensor, "b 3 h w"],
) -> Float[Tensor, " b"]:
    """1 for each sample whose garment the teacher warped strictly better than the student, by mean L1; else 0."""
    with torch.no_grad():
        teacher = (taught - worn).abs().mean(dim=(1, 2, 3))
        student = (learnt - worn).abs().mean(dim=(1, 2, 3))
        return (teacher < student).float()


def gated(values: Float[Tensor, " b"], gate: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Mean over the gated samples; exactly 0, with zero gradient, when there is none."""
    return (gate * values).sum() / gate.sum().clamp(min=1)


def feature_distance(taught: Float[Tensor, "b c h w"], learnt: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Mean square over channels and places, a sample."""
    return (at_least_single(taught.detach()) - at_least_single(learnt)).square().mean(dim=(1, 2, 3))


def flow_distance(taught: Float[Tensor, "b 2 h w"], learnt: Float[Tensor, "b 2 h w"]) -> Float[Tensor, " b"]:
    """Mean length of the difference over places, a sample, in units of the grid."""
    return torch.linalg.vector_norm(taught.detach() - learnt, dim=1).mean(dim=(1, 2))


class DistillLoss(nn.Module):
    """A smaller student must see, warp and paint what a frozen teacher does; a term of weight 0 is not computed.

    Features of different widths are compared through 1x1 convolutions (`match`) that learn beside the student and are
    dropped with this loss when training ends.

    Args:
        perceptual: a feature network's distance.
        output: weight of the try-on's L1.
        rendered: weight of the rendered person's L1.
        mask: weight of the composition mask's L1.
        perceptual_weight: of the perceptual distance of the two try-ons.
        ssim: weight of 1 - SSIM of the two try-ons.
        feature: weight of the person features, a level.
        flow: weight of the flow, level k (k + 1) times.
        keep: weight of the L1 of what both keep of the photo, where both have that output: without it a narrow student
            keeps old sleeves that its teacher has learnt to paint over.
        adjustable: teach features and flows of those samples only that the teacher warps better (`teaches`).

    Raises:
        ValueError: where every weight is 0.
    """

    def __init__(
        self,
        perceptual: Perceptual,
        output: float = 5.0,
        rendered: float = 2.0,
        mask: float = 2.0,
        perceptual_weight: float = 1.0,
        ssim: float = 0.0,
        feature: float = 0.04,
        flow: float = 1.0,
        keep: float = 10.0,
        adjustable: bool = False,
    ):
        super().__init__()
        if not any((output, rendered, mask, perceptual_weight, ssim, feature, flow)):
            raise ValueError("every weight is 0, so there is nothing to learn; give output, flow or another a weight")
        self.perceptual, self.perceptual_weight, self.ssim = perceptual, perceptual_weight, ssim
        self.output, self.rendered, self.mask, self.keep = output, rendered, mask, keep
        self.feature, self.flow, self.adjustable = feature, flow, adjustable
        self.adapters = nn.ModuleList()

    def match(self, taught: Sequence[int], learnt: Sequence[int]) -> None:
        """Make the adapters for the widths of the two person pyramids, coarsest first, on levels that both have."""
        self.adapters = nn.ModuleList(
            nn.Identity() if width == goal else nn.Conv2d(width, goal, 1)
            for goal, width in zip(taught, learnt, strict=False)
        )

    def forward(self, output: TryOn, lesson: TryOn, worn: Float[Tensor, "b 3 h w"] | None = None) -> dict[str, Tensor]:
        """`worn`: the garment as worn on the photo, 0 elsewhere; only an adjustable lesson asks for it."""
        terms = Terms()
        if self.output:
            terms.add("output", F.l1_loss(output.image, lesson.image), self.output)
        if self.perceptual_weight:
            terms.look("perceptual", output.image, lesson.image, self.perceptual_weight)
        if self.ssim:
            terms.add("ssim", 1 - _ssim(output.image, lesson.image), self.ssim)
        if self.rendered:
            terms.add("rendered", F.l1_loss(output.rendered, lesson.rendered), self.rendered)
        if self.mask:
            terms.add("mask", F.l1_loss(output.mask, lesson.mask), self.mask)
        if self.keep and isinstance(output.keep, Tensor) and isinstance(lesson.keep, Tensor):
            terms.add("keep", F.l1_loss(output.keep, lesson.keep), self.keep)
        self._add_warp(terms, output, lesson, self._gate(output, lesson, worn))
        return terms.total(self.perceptual)

    def _add_warp(self, terms: Terms, output: TryOn, lesson: TryOn, gate: Tensor) -> None:
        if self.feature:
            pairs = zip(self.adapters, *_of_levels(lesson, output), strict=True)
            for adapt, taught, learnt in pairs:
                terms.add("features", gated(feature_distance(taught, adapt(learnt)), gate), self.feature)
        if self.flow:
            for level, (taught, learnt) in enumerate(zip(lesson.flows, output.flows, strict=True)):
                terms.add("flow", gated(flow_distance(taught, learnt), gate), self.flow * (level + 1))

    def _gate(self, output: TryOn, lesson: TryOn, worn: Tensor | None) -> Tensor:
        if not self.adjustable:
            return output.image.new_ones(len(output.image))
        if worn is None:
            raise ValueError(
                "adjustable (=True) compares both warps with the garment as worn, which is only known where the task "
                "is taught too: take training=by_both, or adjustable=false"
            )
        return teaches(lesson.warped_cloth, output.warped_cloth, worn)


def _ssim(first: Tensor, second: Tensor) -> Tensor:
    """Mean structural similarity of pictures in [-1, 1], as the score has it (Wang et al., 2004)."""
    with without_autocast(first.device):  # its windows are convolutions
        return structural_similarity_index_measure((first + 1) / 2, (second + 1) / 2, data_range=1.0)


def _of_levels(lesson: Warp | TryOn, output: Warp | TryOn) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The person features of both on the levels that both have: one may leave out finer ones."""
    levels = min(len(lesson.person_features), len(output.person_features))
    return lesson.person_features[:levels], output.person_features[:levels]


def _cloth(warp: Warp | TryOn) -> Tensor:
    return warp.cloth if isinstance(warp, Warp) else warp.warped_cloth
