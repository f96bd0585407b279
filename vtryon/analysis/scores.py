"""How far try-ons without a filter are from the usual one."""

from collections.abc import Sequence

from vtryon.analysis.channels import Layer, one_missing_each
from vtryon.analysis.pairs import levels
from vtryon.analysis.remembered import Remembered
from vtryon.metrics.flow import end_point_error
from vtryon.metrics.structure import LikenessTo
from vtryon.nn.tryon import TryOn

VALUES = ("mse", "ssim", "drift_px")


def scored(remembered: Remembered, usual: "Usual", layer: Layer, filters: Sequence[int]) -> list[dict[str, float]]:
    """For each of these filters, how far the try-on without it is from the usual one."""
    with one_missing_each(remembered.net, [layer.filters[number] for number in filters]):
        return usual.distances(remembered.ask(len(filters), layer.touched))


class Usual:
    """The try-on of the unpruned network, a batch of one, as what others are compared with."""

    def __init__(self, answer: TryOn):
        self.flow, self.likeness = answer.flow, LikenessTo(levels(answer.image))

    def distances(self, answer: TryOn) -> list[dict[str, float]]:
        """How far each try-on of a batch is."""
        near = self.likeness(levels(answer.image))
        drift = end_point_error(answer.flow, self.flow.expand_as(answer.flow)).pixels
        columns = (near.mse.tolist(), near.ssim.tolist(), drift.tolist())
        return [dict(zip(VALUES, row, strict=True)) for row in zip(*columns, strict=True)]
