"""A batch of try-ons beside all that a metric may compare it with; what several metrics share is computed once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from vtryon.metrics.flow import end_point_error
from vtryon.metrics.image_similarity import ImageSimilarity, image_similarity
from vtryon.metrics.region import GarmentShown, Preserved, garment_shown, preserved
from vtryon.models.paste import lay_over
from vtryon.utils.image import from_uint8, to_uint8


class Regions(NamedTuple):
    """Where a photo shows what another upper garment should not change."""

    hair_face: Bool[Tensor, "b h w"]
    lower: Bool[Tensor, "b h w"]  # lower clothes, legs and shoes


@dataclass(frozen=True)
class Judged:
    """b try-ons. The functions of `vtryon.metrics.registry` read its fields and properties."""

    flow: Float[Tensor, "b 2 h w"]  # sampling grid in [-1, 1] that warps `cloth`
    photo: UInt8[Tensor, "b 3 h w"]  # of the person
    cloth: Float[Tensor, "b 3 h w"]  # [-1, 1]
    cloth_edge: Float[Tensor, "b 1 h w"]  # 0 or 1
    image: UInt8[Tensor, "b 3 h w"] | None = None  # the try-on; None of a stage that only warps
    truth: UInt8[Tensor, "b 3 h w"] | None = None
    true_flow: Float[Tensor, "b 2 h w"] | None = None  # NaN where a sample has none
    teacher: UInt8[Tensor, "b 3 h w"] | None = None  # the teacher's try-on
    regions: Regions | None = None
    lpips: Callable[[Tensor, Tensor], Tensor] | None = None  # distances of two batches of 8-bit pictures

    @cached_property
    def to_truth(self) -> ImageSimilarity:
        """Similarity of the try-ons to their truths."""
        return image_similarity(self.image, self.truth)

    @cached_property
    def to_truth_by_lpips(self) -> Float[Tensor, " b"]:
        """Learned distance of the try-ons to their truths."""
        return self.lpips(self.image, self.truth)

    @cached_property
    def to_teacher(self) -> ImageSimilarity:
        """Similarity of the try-ons to the teacher's."""
        return image_similarity(self.image, self.teacher)

    @cached_property
    def end_point_error(self) -> Float[Tensor, " b"]:
        """Pixels between the flow and the true one."""
        return end_point_error(self.flow, self.true_flow).pixels

    @cached_property
    def preserved(self) -> Preserved:
        """How much of the photo the try-ons keep where the garment changes nothing."""
        return preserved(self.image, self.photo, *self.regions)

    @cached_property
    def garment(self) -> GarmentShown:
        """How well the try-ons show the garment that their own flow warps."""
        laid, edge = lay_over(from_uint8(self.image), self.cloth, self.cloth_edge, self.flow)
        return garment_shown(self.image, to_uint8(laid), edge[:, 0] > 0.5)
