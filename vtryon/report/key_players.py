"""What the filters' damage says: means over pairs, a ranking, its concentration, a verdict on the published claim.

The claim (figures F5 and F6 of the Jetson project): an encoder's first layers hold a few "key-player" filters and are
the most sensitive, its middle layers are insensitive.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

WORST = 0.05  # of a layer's filters, at least one
PLACE = re.compile(r"warp\.(image|cond)_features\.encoders\.(\d)\.")
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
    names = ("mse", "ssim", "drift_px")
    groups: dict[tuple[str, int], list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["layer"], int(row["filter"])), []).append(row)
    return [
        Filter(*key, *(sum(float(row[name]) for row in own) / len(own) for name in names), len(own))
        for key, own in groups.items()
    ]


def by_layer(filters: Sequence[Filter]) -> dict[str, list[Filter]]:
    found: dict[str, list[Filter]] = {}
    for one in filters:
        found.setdefault(one.layer, []).append(one)
    return found


def ranking(filters: Sequence[Filter]) -> list[tuple[Filter, float]]:
    """The filters by MSE, the worst first, each with its share of all filters' MSE."""
    whole = sum(one.mse for one in filters) or 1.0
    return [(one, one.mse / whole) for one in sorted(filters, key=lambda one: -one.mse)]


def concentration(filters: Sequence[Filter], share: float = WORST) -> float:
    """How much of the damage the worst `share` of these filters do, 0..1; evenly spread it is about `share`.

    Example:
        >>> concentration([Filter("a", number, mse, 1.0, 0.0, 1) for number, mse in enumerate([9.0, 1.0, 0.0, 0.0])])
        0.9
    """
    damage = sorted((one.mse for one in filters), reverse=True)
    return sum(damage[: max(1, math.floor(share * len(damage)))]) / (sum(damage) or 1.0)


def verdict(filters: Sequence[Filter]) -> dict[str, Any]:
    """Of each encoder whose filters were removed: mean MSE by stage, and what of the claim holds."""
    found = {}
    for branch, name in BRANCH.items():
        own = [one for one in filters if (place := PLACE.match(one.layer)) and place[1] == branch]
        stages = sorted({PLACE.match(one.layer)[2] for one in own})
        if len(stages) < 3:
            continue
        means = {stage: _mean(own, stage) for stage in stages}
        first, *middle, last = means.values()
        between = sum(middle) / len(middle)
        players = concentration([one for one in own if PLACE.match(one.layer)[2] == stages[0]])
        found[name] = {
            "mse_by_stage": [round(mean, 3) for mean in means.values()],
            "first_stage_is_most_sensitive": first == max(means.values()),
            "middle_is_least_sensitive": between < min(first, last),
            "first_stage_share_of_worst_5_percent": round(players, 3),
        }
    return found


def findings(filters: Sequence[Filter]) -> dict[str, Any]:
    """What a run's row says: the worst layer and filters, the concentration of all, and the verdict."""
    layers = by_layer(filters)
    means = {name: sum(one.mse for one in own) / len(own) for name, own in layers.items()}
    worst = max(means, key=means.get)
    return {
        "most_sensitive_layer": worst,
        "its_mean_mse": round(means[worst], 3),
        "key_players": [f"{one.layer}:{one.filter}" for one, _ in ranking(filters)[:5]],
        "share_of_worst_5_percent": round(concentration(filters), 3),
        "published_claim": verdict(filters),
    }


def _mean(filters: Sequence[Filter], stage: str) -> float:
    own = [one.mse for one in filters if PLACE.match(one.layer)[2] == stage]
    return sum(own) / len(own)
