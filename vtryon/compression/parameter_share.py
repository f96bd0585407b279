"""Which share of the channels has to go for a given share of the parameters to go.

A convolution loses parameters by its inputs and by its outputs, so that 0.3 of the channels are half of the parameters.
Published ratios seldom say which of the two they mean.
"""

from collections.abc import Callable

from torch import nn

RATIOS_OF = ("channels", "parameters")
CLOSE = 0.002  # of the parameters; widths are whole numbers, so that few shares can be met exactly


def channels_for(share: float, module: nn.Module, pruned: Callable[[float], nn.Module]) -> float:
    """The least share of the channels, to 1/1024, without which `module` lacks `share` of its parameters, or nearly so.

    Args:
        share: of the parameters, in [0, 1).
        module: before anything is removed.
        pruned: `module` without a share of its channels, in (0, 1); raises ValueError where none can go, or too many.

    Raises:
        ValueError: no share of the channels leaves so few parameters.
    """
    unpruned_count = count(module)
    low, high = 0, 1024
    while high - low > 1:
        middle = (low + high) // 2
        try:
            gone = 1 - count(pruned(middle / 1024)) / unpruned_count
        except ValueError:  # nothing goes yet, or a layer would be emptied
            gone = 0.0 if middle < 512 else 1.0
        low, high = (low, middle) if gone >= share - CLOSE else (middle, high)
    if high == 1024:
        raise ValueError(f"ratio (={share}) of the parameters cannot go: a layer would be empty before; lower it")
    return high / 1024


def count(module: nn.Module) -> int:
    """Parameters of `module`."""
    return sum(weight.numel() for weight in module.parameters())
