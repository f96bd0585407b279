"""What a compressed network may cost: work, size, time, or a share of the work that it had."""

from collections.abc import Mapping

from vtryon.compression.budget.clock import AUTO, Clock
from vtryon.metrics.cost import cost
from vtryon.models.tryon import TryOnNet

KINDS = ("gmacs", "mib", "latency_ms", "share")


class Target:
    """An upper bound of one cost.

    Args:
        target: one of gmacs (10^9 multiply-accumulates), mib (of the weights), latency_ms (median of one try-on in
            OpenVINO on this machine's CPU) and share (of a network's own GMACs); where the first three are None, share
            counts. `precision`, beside them, is that of the try-on in milliseconds, as `Clock` takes it.
        size: (height, width) of the pictures.

    Raises:
        ValueError: none of them, or several, or something else; or a precision that this CPU does not have.
        ImportError: a target in milliseconds without OpenVINO.
    """

    def __init__(self, target: Mapping[str, float | str | None], size: tuple[int, int] | list[int] = (256, 192)):
        target = dict(target)
        precision = target.pop("precision", AUTO)
        targets = {kind: value for kind, value in target.items() if value is not None}
        if len(targets) > 1:
            targets.pop("share", None)
        if len(targets) != 1 or not targets.keys() <= set(KINDS):
            raise ValueError(f"target (={dict(target)}) must name one of {', '.join(KINDS)}")
        ((self.kind, self.most),) = targets.items()
        if not isinstance(self.most, int | float) or not self.most > 0:  # `not`, so that a NaN is refused
            raise ValueError(f"{self} must be a number above 0")
        self.size = tuple(size)
        self.clock = Clock(self.size, precision) if self.kind == "latency_ms" else None

    def __str__(self) -> str:
        return f"target.{self.kind} (={self.most})"

    def bound(self, full_price: float) -> float:
        """The most that a network may cost that is made of one that costs `full_price`."""
        return self.most * full_price if self.kind == "share" else self.most

    def price(self, net: TryOnNet) -> float:
        """What a network costs, in the target's unit; GMACs where that is a share."""
        if self.clock is not None:
            (times,) = self.clock([net])
            return min(each.whole for each in times.values())
        return cost(net, self.size)["mib" if self.kind == "mib" else "gmacs"]
