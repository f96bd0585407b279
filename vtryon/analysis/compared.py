"""The quick way against the plain one: some filters are also pruned for good and the pruned network is asked anew."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from vtryon.analysis.channels import Layer
from vtryon.analysis.pairs import Pairs
from vtryon.analysis.remembered import Remembered
from vtryon.analysis.removal import without
from vtryon.analysis.scores import Usual, scored
from vtryon.deploy.footprint import peak_rss_mib
from vtryon.nn.tryon import TryOnNet


def compared(
    net: TryOnNet, fast: TryOnNet, layers: Sequence[Layer], pairs: Pairs, batch: int, count: int
) -> dict[str, Any]:
    """Both ways in turn, pair by pair, on the first filter of `count` layers spread over the network.

    Returns seconds a filter (all pairs) both ways and their ratio, the largest difference of each measure, as a share
    of the plain one where that is above 1, and this process's peak memory in MiB. The plain way is asked one pair at a
    time, and need not find out again what the unpruned network says; of what the quick way has to remember, a filter
    bears its share.
    """
    places = torch.linspace(0, len(layers) - 1, min(count, len(layers))).round().int().unique().tolist()
    chosen, whole = [layers[place] for place in places], sum(len(layer.filters) for layer in layers)
    watch, off = _Watch(), {}
    with watch("prune"):
        pruned = {layer: without(net, layer.name, 0) for layer in chosen}
    with torch.inference_mode():
        for number in range(len(pairs)):
            plain = Usual(net(*pairs.one(number)))
            with watch("remember"):
                remembered = Remembered(fast, pairs.one(number))
                usual = Usual(remembered.usual)
            for layer in chosen:
                some = range(min(batch, len(layer.filters)))
                with watch("quick", len(some)):
                    first, *_ = scored(remembered, usual, layer, some)
                with watch("plain"):
                    (truth,) = plain.distances(pruned[layer](*pairs.one(number)))
                for name, value in truth.items():
                    off[name] = max(off.get(name, 0.0), abs(first[name] - value) / max(1.0, abs(value)))
    quick_s = watch.spent["quick"] / len(chosen) + watch.spent["remember"] / whole
    plain_s = (watch.spent["prune"] + watch.spent["plain"]) / len(chosen)
    return {
        "filters": len(chosen),
        "batch": batch,
        "quick_s": round(quick_s, 4),
        "plain_s": round(plain_s, 4),
        "times_faster": round(plain_s / quick_s, 2),
        "largest_difference": {name: float(f"{value:.2g}") for name, value in off.items()},
        "peak_rss_mib": round(peak_rss_mib() or 0) or None,
    }


class _Watch:
    """Seconds by name."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str, share: int = 1) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.spent[name] = self.spent.get(name, 0.0) + (time.perf_counter() - start) / share
