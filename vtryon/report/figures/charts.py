"""Charts of a page of runs: quality against cost with its front, training curves, damage by block or filter."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vtryon.report.figures.figure import ACCENT, DASHES, MARKERS, PAPER, SERIES, SOFT, heat_map, inline_svg
from vtryon.report.figures.labels import label_ends, label_points
from vtryon.report.tables.pareto import AMBIGUOUS, DOMINATED, FRONT, Point

LOSS = "train/total"
MOST = 8  # curves of a chart
TICKS = ((10, (1, 2, 5)), (3, (1, 1.5, 2, 3, 5, 7)))  # times powers of ten, on an axis that spans such a factor or more
LOOKS = {  # of a point by its status: marker, fill, edge
    FRONT: ("o", ACCENT, ACCENT),
    AMBIGUOUS: ("o", PAPER, ACCENT),
    DOMINATED: ("x", SOFT, SOFT),
}


def front_chart(title: str, cost: str, quality: str, points: Sequence[Point], statuses: Sequence[str]) -> str:
    """Points with a staircase through the front, whose points are labelled; SVG.

    The quality axis spans the points that are not dominated; those far below are outside.

    Args:
        cost: what the logarithmic axis shows, such as "GMACs".
        quality: what the other axis shows.
        statuses: of the points, from `judge`.
    """

    def draw(axes: Any) -> dict[str, str]:
        names = {}
        for number, (point, status) in enumerate(zip(points, statuses, strict=True)):
            marker, fill, edge = LOOKS[status]
            style = {"color": edge, "markerfacecolor": fill, "markeredgecolor": edge, "markersize": 7}
            axes.errorbar(point.cost, point.quality, point.spread, color=SOFT, linewidth=1)
            axes.plot([point.cost], [point.quality], marker, gid=f"point-{number}", **style)
            names[f"point-{number}"] = f"{point.name}: {point.cost:.4g} {cost}, {quality} {point.quality:.4f}, {status}"
        front = sorted({point[1:3]: point for point, s in zip(points, statuses, strict=True) if s == FRONT}.items())
        axes.step([x for (x, _), _ in front], [y for (_, y), _ in front], where="post", color=ACCENT, linestyle="--")
        axes.margins(x=0.16)
        _log_axis(axes.xaxis, axes.set_xscale)
        competing = [point.quality for point, s in zip(points, statuses, strict=True) if s != DOMINATED]
        room = max(0.15 * (max(competing) - min(competing)), 0.01)
        axes.set(xlabel=cost, ylabel=quality, ylim=(min(competing) - 2 * room, max(competing) + 2 * room))
        axes.figure.draw_without_rendering()
        label_points(axes, [point[:3] for _, point in front])
        return names

    return inline_svg(title, draw)


def curves_chart(title: str, runs: Sequence[tuple[str, Path]]) -> str:
    """Training loss by epoch, a line for each of at most eight runs (label, folder), all of which learned."""
    histories = [(label, training_loss(folder)) for label, folder in runs]

    def draw(axes: Any) -> dict[str, str]:
        names = {}
        for number, (label, losses) in enumerate(histories):
            style = {"color": SERIES[number], "linestyle": DASHES[number % 4], "marker": MARKERS[number]}
            axes.plot(losses.index, losses, gid=f"line-{number}", markersize=4, **style)
            names[f"line-{number}"] = f"{label}: from {losses.iloc[0]:.4g} to {losses.iloc[-1]:.4g}"
        _log_axis(axes.yaxis, axes.set_yscale)
        axes.set(xlabel="epoch", ylabel="training loss")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=True)
        axes.figure.draw_without_rendering()
        label_ends(axes, [label for label, _ in histories])
        return names

    return inline_svg(title, draw)


def training_loss(folder: Path) -> pd.Series:
    """The training loss of a run by epoch; empty where the run kept no epochs."""
    file = folder / "history.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines() if line] if file.is_file() else []
    losses = {line["epoch"]: line[LOSS] for line in lines if LOSS in line}
    return pd.Series(losses, dtype=float)


def damage_charts(sheet: pd.DataFrame) -> list[tuple[str, str]]:
    """Heat maps of an analysis: (caption, SVG) for each kind of removal in a sheet with a column `mse`, else none.

    Args:
        sheet: text; a line for each block and share removed, or for each layer and filter removed.
    """
    down, across = ("layer", "filter") if "filter" in sheet else ("block", "share")
    if not {down, across, "mse"} <= set(sheet):
        return []
    keys = [key for key in ("kind", "choice") if key in sheet]
    groups = sheet.groupby(keys, sort=False) if keys else [((), sheet)]
    return [_damage(", ".join(kind), rows, down, across) for kind, rows in groups]


def _damage(kind: str, rows: pd.DataFrame, down: str, across: str) -> tuple[str, str]:
    rows = rows.assign(mse=pd.to_numeric(rows["mse"]), position=pd.to_numeric(rows[across]))
    table = rows.pivot_table("mse", down, "position", sort=across == "filter")
    worst = rows.loc[rows["mse"].idxmax()]
    title = f"MSE to the unpruned try-on, 8-bit scale: {down} by {across} {kind}".strip()

    def draw(axes: Any) -> None:
        options = {"cmap": "viridis_r", "norm": "symlog"}
        if across == "share":
            heat_map(axes, table, [f"{share:.0%}" for share in table], **options)
        else:
            axes.imshow(table.to_numpy(), aspect="auto", interpolation="nearest", **options)
            axes.set_yticks(range(len(table)), distinct_parts(list(table.index)), fontsize=7)
        axes.set_xlabel(f"{across} removed")

    svg = inline_svg(f"{title}; the darker the worse", draw, (5.2, 1.2 + 0.2 * len(table)))
    return f"{title}. Worst: {worst[down]}, {worst[across]}: {worst['mse']:.4g}.", svg


def distinct_parts(names: Sequence[str]) -> list[str]:
    """Dotted names without the parts that all have in common.

    Example:
        >>> distinct_parts(["warp.image.0.block", "warp.cond.0.block"])
        ['image', 'cond']
    """
    pieces = [name.split(".") for name in names]
    if len({len(name) for name in pieces}) > 1 or len(names) < 2:
        return list(names)
    distinct = [number for number, column in enumerate(zip(*pieces, strict=True)) if len(set(column)) > 1]
    return [".".join(name[number] for number in distinct) for name in pieces]


def _log_axis(axis: Any, set_scale: Any) -> None:
    """Plain numbers at round values, at least three of them on any axis."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    set_scale("log")
    low, high = axis.get_view_interval()
    subs = next((subs for least, subs in TICKS if high / low >= least), None)
    axis.set_major_locator(LogLocator(subs=subs) if subs else MaxNLocator(4))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")
