"""From importance to channels: gradients for importances that read them, and the choice of the lowest scores.

The importances themselves are torch-pruning's.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch_pruning.pruner.importance import GroupHessianImportance, GroupTaylorImportance

Loss = Callable[[nn.Module, Any], Tensor]  # (net, batch) -> scalar


def reads_gradients(importance: Callable) -> bool:
    return isinstance(importance, GroupTaylorImportance | GroupHessianImportance)


def _nothing_to_read(importance: Callable, missing: str) -> ValueError:
    return ValueError(
        f"importance (={type(importance).__name__}) reads gradients, and {missing} was given: "
        f"pass batches that can be read anew at every step, and loss(net, batch)"
    )


def leave_gradients(net: nn.Module, importance: Callable, batches: Iterable, loss: Loss | None) -> None:
    """Leave in each weight's `.grad` what `importance` reads there: first order the mean gradient, Hessian its square.

    The mean is over batches; with batches of one sample the squares are the diagonal of the empirical Fisher matrix.
    They are not gathered with torch-pruning's own `accumulate_grad`, which (1.6) keeps the last batch alone.
    """
    if loss is None:
        raise _nothing_to_read(importance, "no loss")
    power = 2 if isinstance(importance, GroupHessianImportance) else 1
    weights, count = list(net.parameters()), 0
    sums = [torch.zeros_like(weight) for weight in weights]
    reached = [False] * len(weights)
    for batch in batches:
        with torch.enable_grad():
            gradients = torch.autograd.grad(loss(net, batch), weights, allow_unused=True)
        for number, gradient in enumerate(gradients):
            if gradient is not None:
                sums[number] += gradient**power
                reached[number] = True
        count += 1
    if not count:
        raise _nothing_to_read(importance, "no batch")
    if not any(total.any() for total in sums):
        raise ValueError(
            f"importance (={type(importance).__name__}) reads gradients, and the loss has none: a network that is "
            "compared with itself is at its minimum; let the task judge it, training=by_task or training=by_both"
        )
    for weight, total, is_reached in zip(weights, sums, reached, strict=True):
        weight.grad = total / count if is_reached else None


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
