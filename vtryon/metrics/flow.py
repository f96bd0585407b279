"""End-point error: the distance between a flow and the true one, in pixels."""

from typing import NamedTuple

from jaxtyping import Float, Int64
from torch import Tensor


class EndPointError(NamedTuple):
    pixels: Float[Tensor, " b"]  # mean over the places with a truth; NaN where a sample has none
    truth_count: Int64[Tensor, " b"]  # how many places had a truth


def end_point_error(flow: Float[Tensor, "b 2 h w"], truth: Float[Tensor, "b 2 h w"]) -> EndPointError:
    """Mean Euclidean distance between two sampling grids in [-1, 1] (align_corners=True), where `truth` is not NaN."""
    height, width = flow.shape[2:]
    half = flow.new_tensor([(width - 1) / 2, (height - 1) / 2]).view(2, 1, 1)  # pixels in one unit of the grid
    error = ((flow - truth) * half).square().sum(1).sqrt()  # (b, h, w)
    has_truth = ~truth.isnan().any(1)
    count = has_truth.sum((1, 2))
    return EndPointError(error.where(has_truth, 0).sum((1, 2)) / count, count)
