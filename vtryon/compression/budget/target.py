"""What a compressed network may cost: work, size, time, or a share of the work that it had."""

from collections.abc import Mapping

from torch import nn

from vtryon.metrics.cost import cost
from vtryon.utils.latency import try_on_latency

KINDS = ("gmacs", "mib", "latency_ms", "share")


class Target:
    """An upper bound of one cost.

    Args:
        target: one of gmacs (10^9 multiply-accumulates), mib (of the weights), latency_ms (median of one try-on, torch,
            here) and share (of a network's own GMACs); where the first three are None, share counts.
        size: (height, width) of the pictures.

    Raises:
        ValueError: none of them, or several, or something else.
    """

    def __init__(self, target: Mapping[str, float | None], size: tuple[int, int] | list[int] = (256, 192)):
        targets = {kind: value for kind, value in target.items() if value is not None}
        if len(targets) > 1:
            targets.pop("share", None)
        if len(targets) != 1 or not targets.keys() <= set(KINDS):
            raise ValueError(f"target (={dict(target)}) must name one of {', '.join(KINDS)}")
        ((self.kind, self.most),) = targets.items()
        if not isinstance(self.most, int | float) or not self.most > 0:  # `not`, so that a NaN is refused
            raise ValueError(f"{self} must be a number above 0")
        self.size = tuple(size)

    def __str__(self) -> str:
        return f"target.{self.kind} (={self.most})"

    def bound(self, full_price: float) -> float:
        """The most that a network may cost that is made of one that costs `full_price`."""
        return self.most * full_price if self.kind == "share" else self.most

    def price(self, net: nn.Module) -> float:
        """What a network costs, in the target's unit; GMACs where that is a share."""
        if self.kind == "latency_ms":
            return try_on_latency(net, self.size).median_ms
        return cost(net, self.size)["mib" if self.kind == "mib" else "gmacs"]
