"""Filters by their damage: means over pairs, a ranking, its concentration, and whether the published claim holds.

The claim (figures F5 and F6 of the Jetson project): an encoder's first layers hold a few "key-player" filters and are
the most sensitive, its middle layers are insensitive.
"""

import math
import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

WORST = 0.05  # of a layer's filters, at least one
ENCODER = re.compile(r"warp\.(image|cond)_features\.encoders\.(\d)\.")
BRANCH = {"image": "garment", "cond": "person"}


class Filter(NamedTuple):
    """One filter's damage, averaged over pairs."""

    layer: str
    filter: int
    mse: float  # 8-bit scale
    ssim: float
    drift_px: float
    pairs: int


def averaged(rows: Sequence[Mapping[str, str]]) -> list[Filter]:
    """Rows of sensitivity.csv, one a pair and filter, to one a filter, in their order."""
    groups: dict[tuple[str, int], list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["layer"], int(row["filter"])), []).append(row)
    filters = []
    for (layer, number), pairs in groups.items():
        means = [fmean(float(row[name]) for row in pairs) for name in ("mse", "ssim", "drift_px")]
        filters.append(Filter(layer, number, *means, len(pairs)))
    return filters


def by_layer(filters: Sequence[Filter]) -> dict[str, list[Filter]]:
    """Layer → its filters, both in their order."""
    layers: dict[str, list[Filter]] = {}
    for record in filters:
        layers.setdefault(record.layer, []).append(record)
    return layers


def ranking(filters: Sequence[Filter]) -> list[tuple[Filter, float]]:
    """The filters by MSE, the worst first, each with its share of all filters' MSE."""
    total = math.fsum(record.mse for record in filters) or 1.0
    ranked = sorted(filters, key=lambda record: -record.mse)
    return [(record, record.mse / total) for record in ranked]


def concentration(filters: Sequence[Filter], share: float = WORST) -> float:
    """The share of all damage (0..1) that the worst `share` of these filters do; evenly spread it is about `share`.

    Example:
        >>> concentration([Filter("a", number, mse, 1.0, 0.0, 1) for number, mse in enumerate([9.0, 1.0, 0.0, 0.0])])
        0.9
    """
    damage = sorted((record.mse for record in filters), reverse=True)
    return sum(damage[: max(1, math.floor(share * len(damage)))]) / (sum(damage) or 1.0)


def verdict(filters: Sequence[Filter]) -> dict[str, Any]:
    """For each encoder whose filters were removed: mean MSE by stage, and which parts of the claim hold."""
    verdicts = {}
    for branch, name in BRANCH.items():
        stages: dict[str, list[Filter]] = {}
        for record in filters:
            match = ENCODER.match(record.layer)
            if match and match[1] == branch:
                stages.setdefault(match[2], []).append(record)
        if len(stages) < 3:
            continue
        means = [fmean(record.mse for record in stages[stage]) for stage in sorted(stages)]
        verdicts[name] = {
            "mse_by_stage": [round(mean, 3) for mean in means],
            "first_stage_is_most_sensitive": means[0] == max(means),
            "middle_is_least_sensitive": fmean(means[1:-1]) < min(means[0], means[-1]),
            "first_stage_share_of_worst_5_percent": round(concentration(stages[min(stages)]), 3),
        }
    return verdicts


def findings(filters: Sequence[Filter]) -> dict[str, Any]:
    """Findings for a run's row: the worst layer and filters, the concentration of all, and the verdict."""
    means = {layer: fmean(record.mse for record in records) for layer, records in by_layer(filters).items()}
    worst = max(means, key=means.__getitem__)
    return {
        "most_sensitive_layer": worst,
        "its_mean_mse": round(means[worst], 3),
        "key_players": [f"{record.layer}:{record.filter}" for record, _ in ranking(filters)[:5]],
        "share_of_worst_5_percent": round(concentration(filters), 3),
        "published_claim": verdict(filters),
    }
