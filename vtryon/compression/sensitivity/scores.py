"""Distances of try-ons without a filter from the try-on of the unpruned network."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from vtryon.compression.sensitivity.channels import Layer, one_missing_each
from vtryon.metrics.flow import end_point_error
from vtryon.metrics.image_similarity import SimilarityTo
from vtryon.models.tryon import TryOn, TryOnNet

VALUES = ("mse", "ssim", "drift_px")


def score_filters(
    net: TryOnNet, inputs: Sequence[Tensor], unpruned: "Unpruned", layer: Layer, filters: Sequence[int]
) -> list[dict[str, float]]:
    """For each of these filters, the distances of the try-on without it from the unpruned one.

    Args:
        net: in eval mode.
        inputs: person, cloth and cloth_edge, a batch of one.
    """
    with one_missing_each(net, [layer.filters[number] for number in filters]):
        return unpruned.distances(net(*(picture.expand(len(filters), -1, -1, -1) for picture in inputs)))


class Unpruned:
    """The try-on of the unpruned network, a batch of one, that others are compared with."""

    def __init__(self, try_on: TryOn):
        self.flow, self.image_similarity = try_on.flow, SimilarityTo(levels(try_on.image))

    def distances(self, try_on: TryOn) -> list[dict[str, float]]:
        """MSE, SSIM and drift in pixels of each try-on of a batch."""
        near = self.image_similarity(levels(try_on.image))
        drift = end_point_error(try_on.flow, self.flow.expand_as(try_on.flow)).pixels
        columns = (near.mse.tolist(), near.ssim.tolist(), drift.tolist())
        return [dict(zip(VALUES, row, strict=True)) for row in zip(*columns, strict=True)]


def levels(image: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """[-1, 1] on the 8-bit scale, clamped and not rounded: an effect of a tenth of a step is still one."""
    return (image.clamp(-1, 1) + 1) * 127.5
