"""Which networks are worth their cost: on the front, dominated, or not to be told apart given the spread over seeds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

FRONT, AMBIGUOUS, DOMINATED = "front", "ambiguous", "dominated"


class Point(NamedTuple):
    """A network: what it costs, how good it is, and how much that moves from seed to seed."""

    name: str
    cost: float
    quality: float  # more is better
    spread: float | None = None  # standard deviation over seeds; None where one seed was run


def judged(points: Sequence[Point], spread: float | None = None) -> list[str]:
    """A status for each point.

    Dominated is who has a rival that costs no more and is better by over two standard deviations of the difference,
    ambiguous who has a better or cheaper rival, but none by that much. Without any spread, every lead counts.

    Args:
        spread: of points that have none of their own.

    Example:
        >>> close = [Point("a", 1, 0.80, 0.01), Point("b", 2, 0.79, 0.01), Point("c", 2, 0.70, 0.01)]
        >>> judged(close)
        ['front', 'ambiguous', 'dominated']
    """
    return [_status(point, [other for other in points if other is not point], spread) for point in points]


def pooled(points: Sequence[Point]) -> float | None:
    """The spread to expect of a point that was run once: the root mean square of the others'."""
    known = [point.spread for point in points if point.spread is not None]
    return math.sqrt(math.fsum(s * s for s in known) / len(known)) if known else None


def _status(point: Point, rivals: Sequence[Point], spread: float | None) -> str:
    better = [
        rival
        for rival in rivals
        if rival.cost <= point.cost
        and rival.quality >= point.quality
        and (rival.cost, rival.quality) != (point.cost, point.quality)
    ]
    if not better:
        return FRONT
    clear = any(rival.quality - point.quality > _noise(point, rival, spread) for rival in better)
    return DOMINATED if clear or not any(_noise(point, rival, spread) for rival in better) else AMBIGUOUS


def _noise(one: Point, other: Point, spread: float | None) -> float:
    own = [point.spread if point.spread is not None else spread or 0.0 for point in (one, other)]
    return 2 * math.hypot(*own)
