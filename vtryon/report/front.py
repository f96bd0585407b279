"""Which rows are on the Pareto front: none of the others is as good for less, or better for as much."""

from collections.abc import Sequence
from typing import Any

from vtryon.report.pareto import FRONT, Point, judged
from vtryon.report.rows import Row, label, same_protocol, value

SCORE = "paired/ssim"
COSTS = ("gmacs", "mib")


def with_front(rows: Sequence[Row], score: str = SCORE) -> list[dict[str, Any]]:
    """The rows, each with {"front": {cost: 1 or 0}} for every cost by which it can be judged.

    Only rows of one protocol compete; one without the score, or without the cost, has no place.
    """
    found = [dict(row) for row in rows]
    comparable = same_protocol(rows) if rows else []
    for cost in COSTS:
        known = [
            place
            for place, row in enumerate(rows)
            if comparable[place] and None not in (value(row, "scores", score), value(row, "cost", cost))
        ]
        points = [Point(label(rows[at]), rows[at]["cost"][cost], rows[at]["scores"][score]) for at in known]
        for at, status in zip(known, judged(points), strict=True):
            found[at]["front"] = found[at].get("front", {}) | {cost: int(status == FRONT)}
    return found


def front(rows: Sequence[Row], cost: str) -> list[str]:
    """The labels of the rows on the front by this cost, cheapest first."""
    own = [row for row in rows if value(row, "front", cost) == 1]
    return [label(row) for row in sorted(own, key=lambda row: row["cost"][cost])]
