"""Compression to a budget: the least that has to go so that work, size or time is at most what was asked for."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from vtryon.compression.budget.plans import Shrink
from vtryon.compression.importance import Loss
from vtryon.compression.method import CompressionMethod
from vtryon.metrics.cost import cost
from vtryon.models.architecture import widths
from vtryon.models.tryon import TryOnNet
from vtryon.utils.atomic import atomic_write
from vtryon.utils.latency import latency

PROBES = 9  # halvings: to within 0.2 % of the way
KINDS = ("gmacs", "mib", "latency_ms", "share")
FILE = "budget.json"


class Budget(CompressionMethod):
    """Prune a network until it costs at most the target: `Budget({"gmacs": 0.2}, BySensitivity())(net, batches)`.

    Args:
        target: one of gmacs (10^9 multiply-accumulates), mib (of the weights), latency_ms (median of one try-on, torch,
            here) and share (of the network's own GMACs); where the first three are None, share counts.
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
        targets = {kind: value for kind, value in target.items() if value is not None}
        if len(targets) > 1:
            targets.pop("share", None)
        if len(targets) != 1 or not targets.keys() <= set(KINDS):
            raise ValueError(f"target (={dict(target)}) must name one of {', '.join(KINDS)}")
        ((self.kind, self.most),) = targets.items()
        self.plan, self.size, self.folder = plan, tuple(size), folder

    def __call__(self, net: TryOnNet, batches: Iterable = (), loss: Loss | None = None) -> TryOnNet:
        """
        Raises:
            ValueError: the network is as small already, or cannot become so small.
        """
        full_price = self._price(net)
        highest_price = self.most * full_price if self.kind == "share" else self.most
        if full_price <= highest_price:
            raise ValueError(
                f"target.{self.kind} (={self.most}) is kept already, the network costs {full_price:.4g}; lower it"
            )
        pruned, price, far = self._least(self.plan(net, batches, loss), highest_price)
        if pruned is None:
            raise ValueError(
                f"target.{self.kind} (={self.most}) is out of reach; the least is {price:.4g} of {full_price:.4g}"
            )
        self._tell({"target": {self.kind: self.most}, "whole": full_price, "reached": price, "how_far": far}, pruned)
        return pruned

    def _least(self, shrink: Shrink, highest_price: float) -> tuple[TryOnNet | None, float, float]:
        """The largest network within `most`, by halving, and its price; None where even the smallest tried is above."""
        low, high, within, lowest_price = 0.0, 1.0, None, float("inf")
        for _ in range(PROBES):
            far = (low + high) / 2
            candidate = shrink(far)
            price = self._price(candidate)
            lowest_price = min(lowest_price, price)
            if price <= highest_price:
                within, high = (candidate, price, far), far
            else:
                low = far
        return within or (None, lowest_price, low)

    def _price(self, net: TryOnNet) -> float:
        if self.kind == "latency_ms":
            return _time(net, self.size)
        return cost(net, self.size)["mib" if self.kind == "mib" else "gmacs"]

    def _tell(self, report: dict[str, Any], net: TryOnNet) -> None:
        if self.folder is not None:
            with atomic_write(Path(self.folder) / FILE) as temporary:
                temporary.write_text(json.dumps(report | {"widths": widths(net)}, indent=1))


def _time(net: TryOnNet, size: tuple[int, int]) -> float:
    """Median milliseconds of one try-on."""
    device = next(net.parameters()).device
    person, cloth = torch.rand(2, 1, 3, *size, device=device)
    edge = torch.ones(1, 1, *size, device=device)
    training = net.training
    with torch.inference_mode():
        median_ms = latency(lambda: net.eval()(person, cloth, edge), device=device).median_ms
    net.train(training)
    return median_ms
