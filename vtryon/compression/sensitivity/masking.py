"""Masks weights inside a block: whole filters or single weights, the smallest or random ones.

What goes in each convolution is what `torch.nn.utils.prune` would mask (`ln_structured` with n=2 and dim=0,
`l1_unstructured` and the random ones); norms keep their statistics and their shift, as they do there.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

KINDS = ("structured", "unstructured")
CHOICES = ("magnitude", "random")


@contextmanager
def masked(
    convs: Mapping[str, nn.Conv2d], share: float, kind: str = "structured", choice: str = "magnitude", seed: int = 0
) -> Iterator[float]:
    """Zeros in `share` of the filters (or single weights) of each convolution; yields the share that really is zero.

    The count is rounded in each convolution, so that of few filters a small share may be none.
    """
    weights = {name: conv.weight.detach().clone() for name, conv in convs.items()}
    draw = torch.Generator().manual_seed(seed)
    try:
        with torch.no_grad():
            for conv in convs.values():
                scores = _scores(conv.weight, kind, choice, draw)
                going = scores.flatten().argsort()[: round(share * scores.numel())]
                keep = torch.ones(scores.numel(), device=conv.weight.device)
                keep[going] = 0
                conv.weight.mul_(keep.view(scores.shape))
        zeros = sum(int((conv.weight == 0).sum()) for conv in convs.values())
        yield zeros / sum(conv.weight.numel() for conv in convs.values())
    finally:
        with torch.no_grad():
            for name, conv in convs.items():
                conv.weight.copy_(weights[name])


def _scores(weight: Tensor, kind: str, choice: str, draw: torch.Generator) -> Tensor:
    """What goes first, in the shape that multiplies the weight."""
    shape = (len(weight), 1, 1, 1) if kind == "structured" else weight.shape
    if choice == "random":
        return torch.rand(shape, generator=draw)
    return weight.flatten(1).norm(dim=1).view(shape) if kind == "structured" else weight.abs()
