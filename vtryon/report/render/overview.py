"""Charts over all exhibits of a page: quality against each cost, and the training curves of their runs."""

import math
from collections.abc import Sequence
from pathlib import Path

from vtryon.report.figures.charts import MOST, curves_chart, front_chart, training_loss
from vtryon.report.tables.measured import committed_spreads
from vtryon.report.tables.pareto import AMBIGUOUS, DOMINATED, FRONT, SCORE, Point, judge, points_of, pooled_spread
from vtryon.report.tables.reproduction import Reproduction
from vtryon.report.tables.rows import with_seeds

QUALITY = "SSIM, paired"
COSTS = {"GMACs": "cost.gmacs", "MiB": "cost.mib", "ms a try-on": "latency.median_ms"}


def fronts(reports: Sequence[Reproduction], experiments: Path | None) -> list[tuple[str, str]]:
    """(caption, SVG) of quality against each cost, over all rows that were judged under one protocol.

    Args:
        experiments: committed rows, whose spread over seeds rows of one seed are given; None for none.
    """
    committed = pooled_spread(committed_spreads(experiments, f"scores.{SCORE}")) if experiments else None
    charts = []
    protocols = dict.fromkeys(report.protocol for report in reports)
    for protocol in protocols:
        members = [report for report in reports if report.protocol == protocol and len(report.runs)]
        for cost, column in COSTS.items():
            points = _points(members, column)
            if len(points) > 1:
                charts.append(_front(cost, points, committed, protocol if len(protocols) > 1 else ""))
    return charts


def _points(reports: Sequence[Reproduction], column: str) -> list[Point]:
    """The points of all reports, named after their exhibit where there are several; the same run counts once."""
    points: dict[tuple, Point] = {}
    for report in reports:
        for point in points_of(report.runs, column):
            is_shared = len(reports) == 1 or point.name == "student"
            name = point.name if is_shared else f"{report.exhibit.name} {point.name}"
            points[name, point.quality] = point._replace(name=name)
    return list(points.values())


def _front(cost: str, points: Sequence[Point], committed: float | None, protocol: str) -> tuple[str, str]:
    measured = pooled_spread([point.spread for point in points])
    spread = measured or committed
    statuses = judge(points, spread)
    title = f"{QUALITY} against {cost}" + (f", {protocol}" if protocol else "")
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in (FRONT, AMBIGUOUS, DOMINATED))
    noise = "one seed each: no spread is known, none is ambiguous"
    if spread:
        noise = f"spread over seeds {spread:.4f}" + ("" if measured else " (of committed rows)")
    return f"{title}: {counts}; {noise}.", front_chart(title, cost, QUALITY, points, statuses)


def curves(reports: Sequence[Reproduction], chain: Path | None) -> list[tuple[str, str]]:
    """(caption, SVG) of the training loss by epoch: of the stages below `chain`, and of each report's runs.

    More runs than can be told apart in one chart have several.
    """
    stages = sorted(chain.glob("*")) if chain else []
    groups = {"stages": [(folder.name, folder) for folder in stages]}
    for report in reports:
        runs = []
        for frame in report.rows.values():
            names = with_seeds(list(frame["label"]), list(frame["seed"]))
            runs += [(name, folder) for name, folder in zip(names, frame["folder"], strict=True) if folder]
        groups[report.exhibit.title] = runs
    charts = []
    for name, runs in groups.items():
        learnt = [run for run in runs if len(training_loss(run[1])) > 1]
        size = math.ceil(len(learnt) / math.ceil(len(learnt) / MOST)) if learnt else 1  # as many in one as in another
        for first in range(0, len(learnt), size):
            charted = learnt[first : first + size]
            number = f", {first + 1} to {first + len(charted)} of {len(learnt)}" if len(learnt) > MOST else ""
            svg = curves_chart(f"Training loss by epoch: {name}{number}", charted)
            charts.append((f"{name}: {len(learnt)} runs that learn{number}.", svg))
    return charts
