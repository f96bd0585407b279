"""Gradients for those importances that read them; the importances themselves are torch-pruning's."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch_pruning.pruner.importance import GroupHessianImportance, GroupTaylorImportance

Loss = Callable[[nn.Module, Any], Tensor]  # (net, batch) -> scalar


def reads_gradients(importance: Callable) -> bool:
    return isinstance(importance, GroupTaylorImportance | GroupHessianImportance)


def leave_gradients(net: nn.Module, importance: Callable, batches: Iterable, loss: Loss | None) -> None:
    """Leave in each weight's `.grad` what `importance` reads there: first order the mean gradient, Hessian its square.

    The mean is over batches; with batches of one sample the squares are the diagonal of the empirical Fisher matrix.
    They are not gathered with torch-pruning's own `accumulate_grad`, which (1.6) keeps the last batch alone.
    """
    power = 2 if isinstance(importance, GroupHessianImportance) else 1
    weights, count = list(net.parameters()), 0
    sums = [torch.zeros_like(weight) for weight in weights]
    reached = [False] * len(weights)
    for batch in batches if loss is not None else ():
        with torch.enable_grad():
            found = torch.autograd.grad(loss(net, batch), weights, allow_unused=True)
        for number, gradient in enumerate(found):
            if gradient is not None:
                sums[number] += gradient**power
                reached[number] = True
        count += 1
    if not count:
        given = "no loss" if loss is None else "no batch"
        raise ValueError(
            f"importance (={type(importance).__name__}) reads gradients, and {given} was given: "
            f"pass batches that can be read anew at every step, and loss(net, batch)"
        )
    if not any(total.any() for total in sums):
        raise ValueError(
            f"importance (={type(importance).__name__}) reads gradients, and the loss has none: a network that is "
            "compared with itself is at its minimum; let the task judge it, training=by_task or training=by_both"
        )
    for weight, total, known in zip(weights, sums, reached, strict=True):
        weight.grad = total / count if known else None
