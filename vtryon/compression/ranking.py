"""Which channels go, once each has a score."""

from collections.abc import Sequence

import torch
from torch import Tensor


def lowest(scores: Sequence[Tensor], drop: int, round_to: int = 1) -> list[list[int]]:
    """For each layer the channels to drop: `drop` in all, those of the lowest scores wherever they are.

    A layer that loses some is then rounded down to a multiple of `round_to` channels, though not below one multiple;
    so in the end more may go than `drop`. Of equal scores the first go first.
    """
    going = torch.cat(tuple(scores)).argsort(stable=True)[: max(drop, 0)]
    owner = torch.cat([torch.full((len(score),), index) for index, score in enumerate(scores)])
    counts = owner[going].bincount(minlength=len(scores)).tolist()
    return [
        score.argsort(stable=True)[: _rounded(count, len(score), round_to)].tolist()
        for score, count in zip(scores, counts, strict=True)
    ]


def _rounded(drop: int, width: int, round_to: int) -> int:
    keep = width - drop
    if drop == 0 or keep == 0:
        return drop
    return width - max(keep - keep % round_to, min(round_to, width))
