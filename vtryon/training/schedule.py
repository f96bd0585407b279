"""Learning rates over the epochs, as in all stages of PF-AFN: constant for the first half, then falling linearly."""

from collections.abc import Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def constant_then_linear(optimizer: Optimizer, max_epochs: int, opens: Sequence[int] | None = None) -> LambdaLR:
    """Scale each parameter group's rate an epoch; group i rests (rate 0) before epoch `opens[i]`, counted from 0."""
    opens = opens or [0] * len(optimizer.param_groups)
    return LambdaLR(optimizer, [_rate(max_epochs, first) for first in opens])


def second_half(max_epochs: int) -> int:
    """The epoch, counted from 0, at which the released training opens its late phase: the 50th of 100."""
    return max(max_epochs - max_epochs // 2 - 1, 0)


def factor(epoch: int, max_epochs: int) -> float:
    """Of the initial rate, at `epoch` counted from 0.

    Example:
        >>> [round(factor(epoch, 100), 2) for epoch in (0, 50, 51, 99)]  # the 51st still has the full rate
        [1.0, 1.0, 0.98, 0.02]
    """
    decay = max_epochs // 2
    constant = max_epochs - decay
    return 1.0 if epoch <= constant else 1 - (epoch - constant) / decay


def _rate(max_epochs: int, first: int):
    return lambda epoch: factor(epoch, max_epochs) if epoch >= first else 0.0
