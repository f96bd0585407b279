"""Compression to a budget: the least that has to go so that work, size or time is at most what was asked for."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from vtryon.compression.budget.plans import Shrink
from vtryon.compression.budget.target import Target
from vtryon.compression.importance import Loss
from vtryon.compression.method import CompressionMethod
from vtryon.models.architecture import widths
from vtryon.models.tryon import TryOnNet
from vtryon.utils.atomic import atomic_write

PROBES = 9  # halvings: to within 0.2 % of the way
FILE = "budget.json"


class Budget(CompressionMethod):
    """Prune a network until it costs at most the target: `Budget({"gmacs": 0.2}, BySensitivity())(net, batches)`.

    Args:
        target: what it may cost at most, as `Target` takes it.
        plan: how channels are chosen (`vtryon.compression.budget.plans`).
        size: (height, width) of the pictures.
        folder: where budget.json says what was asked, what was reached, and each layer's widths.
    """

    def __init__(
        self,
        target: Mapping[str, float | None],
        plan: Callable[..., Shrink],
        size: tuple[int, int] | list[int] = (256, 192),
        folder: str | os.PathLike | None = None,
    ):
        self.target = Target(target, size)
        self.plan, self.folder = plan, folder

    def __call__(self, net: TryOnNet, batches: Iterable = (), loss: Loss | None = None) -> TryOnNet:
        """
        Raises:
            ValueError: the network is as small already, or cannot become so small.
        """
        target, full_price = self.target, self.target.price(net)
        highest_price = target.bound(full_price)
        if full_price <= highest_price:
            raise ValueError(f"{target} is kept already, the network costs {full_price:.4g}; lower it")
        pruned, price, far = self._least(self.plan(net, batches, loss), highest_price)
        if pruned is None:
            raise ValueError(f"{target} is out of reach; the least is {price:.4g} of {full_price:.4g}")
        self._tell(
            {"target": {target.kind: target.most}, "whole": full_price, "reached": price, "how_far": far}, pruned
        )
        return pruned

    def _least(self, shrink: Shrink, highest_price: float) -> tuple[TryOnNet | None, float, float]:
        """The largest network within `most`, by halving, and its price; None where even the smallest tried is above."""
        low, high, within, lowest_price = 0.0, 1.0, None, float("inf")
        for _ in range(PROBES):
            far = (low + high) / 2
            candidate = shrink(far)
            price = self.target.price(candidate)
            lowest_price = min(lowest_price, price)
            if price <= highest_price:
                within, high = (candidate, price, far), far
            else:
                low = far
        return within or (None, lowest_price, low)

    def _tell(self, report: dict[str, Any], net: TryOnNet) -> None:
        if self.folder is not None:
            with atomic_write(Path(self.folder) / FILE) as temporary:
                temporary.write_text(json.dumps(report | {"widths": widths(net)}, indent=1))
