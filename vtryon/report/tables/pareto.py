"""Which networks are worth their cost: on the Pareto front, dominated, or too close to call given the seeds' spread."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from vtryon.report.tables.rows import Row, label, same_protocol, value, with_seeds

FRONT, AMBIGUOUS, DOMINATED = "front", "ambiguous", "dominated"
SCORE = "paired/ssim"
COSTS = ("gmacs", "mib")


class Point(NamedTuple):
    """A network with its cost, its quality, and how much the quality moves from seed to seed."""

    name: str
    cost: float
    quality: float  # more is better
    spread: float | None = None  # standard deviation over seeds; None where one seed was run


def judge(points: Sequence[Point], spread: float | None = None) -> list[str]:
    """A status for each point.

    A point is dominated if a rival costs no more and is better by over two standard deviations of the difference; it is
    ambiguous if it has such rivals, but none that far ahead. Without any spread, every lead counts.

    Args:
        spread: of points that have none of their own.

    Example:
        >>> close = [Point("a", 1, 0.80, 0.01), Point("b", 2, 0.79, 0.01), Point("c", 2, 0.70, 0.01)]
        >>> judge(close)
        ['front', 'ambiguous', 'dominated']
    """
    return [_status(point, points, spread) for point in points]


def _status(point: Point, points: Sequence[Point], spread: float | None) -> str:
    status = FRONT
    for rival in points:
        if rival.cost > point.cost or rival.quality < point.quality or rival[1:3] == point[1:3]:
            continue
        noise = 2 * math.hypot(*(p.spread if p.spread is not None else spread or 0.0 for p in (point, rival)))
        if noise == 0 or rival.quality - point.quality > noise:
            return DOMINATED
        status = AMBIGUOUS
    return status


def pooled_spread(spreads: Sequence[float | None]) -> float | None:
    """The spread to expect of a point that was run once: the root mean square of the known ones, None without any."""
    squares = [spread**2 for spread in spreads if spread is not None]
    return math.sqrt(math.fsum(squares) / len(squares)) if squares else None


def points_of(frame: pd.DataFrame, cost: str, score: str = f"scores.{SCORE}") -> list[Point]:
    """A point for each label of a frame of rows, its mean over seeds; rows without cost or score have none."""
    if cost not in frame or score not in frame:
        return []
    points = []
    for name, seeds in frame.dropna(subset=[cost, score]).groupby("label", sort=False):
        quality = seeds[score].astype(float)
        spread = float(quality.std()) if len(quality) > 1 else None
        points.append(Point(name, float(seeds[cost].mean()), float(quality.mean()), spread))
    return points


def with_front(rows: Sequence[Row], score: str = SCORE) -> list[dict[str, Any]]:
    """The rows, each with {"front": {cost: 1 or 0}} for every cost by which it can be judged.

    Only rows of one protocol compete; one without the score, or without the cost, is not judged.
    """
    judged = [dict(row) for row in rows]
    comparable = same_protocol(rows) if rows else []
    for cost in COSTS:
        competing = []
        for row, is_comparable in zip(judged, comparable, strict=True):
            if is_comparable and None not in (value(row, "scores", score), value(row, "cost", cost)):
                competing.append(row)
        points = [Point(label(row), row["cost"][cost], row["scores"][score]) for row in competing]
        for row, status in zip(competing, judge(points), strict=True):
            row["front"] = row.get("front", {}) | {cost: int(status == FRONT)}
    return judged


def front(rows: Sequence[Row], cost: str) -> list[str]:
    """The labels of the rows on the front by this cost, cheapest first."""
    names = with_seeds([label(row) for row in rows], [row.get("seed") for row in rows])
    winners = [
        (row["cost"][cost], name) for name, row in zip(names, rows, strict=True) if value(row, "front", cost) == 1
    ]
    return [name for _, name in sorted(winners, key=lambda winner: winner[0])]
