"""Charts of the page: the Pareto front, sensitivity heat maps, training curves."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

from vtryon.report.markup import Markup, joined, tag
from vtryon.report.measured import read_csv
from vtryon.report.pareto import AMBIGUOUS, DOMINATED, FRONT, Point, judged, pooled
from vtryon.report.reproduction import Reproduction
from vtryon.report.rows import label, value
from vtryon.report.svg import Mark, axis, heat_map, lines, scatter

QUALITY = ("SSIM, paired", "scores", "paired/ssim")
COSTS = (("GMACs", "cost", "gmacs"), ("MiB", "cost", "mib"), ("ms a try-on", "latency", "median_ms"))
LOSS = "train/total"
MOST = 8  # curves of a chart


def pareto(found: Sequence[Reproduction], experiments: Path) -> Markup:
    """Quality against each cost, over all demo rows of all exhibits."""
    charts, kept = [], kept_spread(experiments)
    for title, group, key in COSTS:
        points = _points(found, group, key)
        if len(points) > 1:
            charts.append(_front(title, points, kept))
    return tag("div", *charts, class_="charts") if charts else tag("p", "No rows yet.", class_="note")


def _points(found: Sequence[Reproduction], group: str, key: str) -> list[Point]:
    points: dict[tuple, Point] = {}
    for one in found:
        same: dict[str, list] = {}
        for of in (
            of for name, rows in one.rows.items() if name.endswith("@demo") or name == "baseline" for of in rows
        ):
            same.setdefault(label(of.row), []).append(of)
        for name, rows in same.items():
            costs = [n for of in rows if (n := value(of.row, group, key)) is not None]
            scores = [n for of in rows if (n := value(of.row, *QUALITY[1:])) is not None]
            if costs and scores:
                mean, spread = fmean(scores), _spread(scores)
                where = name if name == "student" else f"{one.exhibit.name} {name}"
                points[where, mean] = Point(where, fmean(costs), mean, spread)
    return list(points.values())


def kept_spread(experiments: Path) -> float | None:
    """The spread over seeds of committed rows of the demo: the same run but for its seed."""
    same: dict[tuple, dict[int, float]] = {}
    for file in sorted(experiments.glob("*/measured_demo.csv")):
        for row in read_csv(file):
            score = value(row, *QUALITY[1:])
            if score is not None and row.get("name"):
                same.setdefault((file, row["name"], label(row)), {})[row["seed"]] = score
    spreads = [_spread(list(seeds.values())) for seeds in same.values() if len(seeds) > 2]
    return pooled([Point("", 0, 0, spread) for spread in spreads])


def _front(title: str, points: Sequence[Point], kept: float | None) -> Markup:
    own = pooled(points)
    usual = own or kept
    verdicts = judged(points, usual)
    marks = [
        Mark(p.cost, p.quality, f"{p.name}: {p.cost:.4g} {title}, SSIM {p.quality:.4f}, {verdict}", verdict, p.spread)
        for p, verdict in zip(points, verdicts, strict=True)
    ]
    front = sorted((p.cost, p.quality) for p, verdict in zip(points, verdicts, strict=True) if verdict == FRONT)
    name = f"{QUALITY[0]} against {title}"
    across = axis(title, [p.cost for p in points], log=True)
    drawn = scatter(name, across, axis(QUALITY[0], [p.quality for p in points]), marks, front)
    counts = {verdict: verdicts.count(verdict) for verdict in (FRONT, AMBIGUOUS, DOMINATED)}
    origin = "" if own else " (of committed rows)"
    noise = (
        f"spread over seeds {usual:.4f}{origin}" if usual else "one seed each: no spread is known, none is ambiguous"
    )
    caption = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return tag("figure", drawn, tag("output"), tag("figcaption", f"{name}: {caption}; {noise}."))


def _spread(numbers: Sequence[float]) -> float | None:
    return stdev(numbers) if len(numbers) > 1 else None


def heat(one: Reproduction) -> Markup:
    """Damage by what fell silent, of the sheets that say so: a row a block or layer."""
    return joined(_heat(place, rows) for place, rows in one.sheets.items() if rows and "mse" in rows[0])


def _heat(place: str, rows: Sequence[Mapping[str, str]]) -> Markup:
    down, across = ("layer", "filter") if "filter" in rows[0] else ("block", "share")
    if down not in rows[0] or across not in rows[0]:
        return Markup()
    figures = []
    for kind in dict.fromkeys((row.get("kind", ""), row.get("choice", "")) for row in rows):
        own = [row for row in rows if (row.get("kind", ""), row.get("choice", "")) == kind]
        names, columns = (list(dict.fromkeys(row[key] for row in own)) for key in (down, across))
        if across == "filter":  # they come ranked
            names, columns = sorted(names), sorted(columns, key=int)
        at = {(row[down], row[across]): float(row["mse"]) for row in own if row["mse"]}
        cells = [[at.get((name, column)) for column in columns] for name in names]
        title = f"MSE to the unpruned try-on, 8-bit scale: {down} by {across} {', '.join(filter(None, kind))}".strip()
        drawn = heat_map(f"{title}; the darker the worse", _told_apart(names), columns, cells)
        worst = max(own, key=lambda row: float(row["mse"] or 0))
        caption = f"{title}. Worst: {worst[down]}, {worst[across]}: {float(worst['mse']):.4g}. Rows: {place}"
        figures.append(tag("figure", drawn, tag("figcaption", caption)))
    return tag("div", *figures, class_="charts")


def _told_apart(names: Sequence[str]) -> list[str]:
    """Dotted names without what all have in common.

    Example:
        >>> _told_apart(["warp.image.0.block", "warp.cond.0.block"])
        ['image', 'cond']
    """
    parts = [name.split(".") for name in names]
    if len({len(of) for of in parts}) > 1 or len(names) < 2:
        return list(names)
    apart = [number for number, same in enumerate(zip(*parts, strict=True)) if len(set(same)) > 1]
    return [".".join(of[number] for number in apart) for of in parts]


def curves(chain: Path, found: Sequence[Reproduction]) -> Markup:
    """The loss of each epoch, of the stages and of each exhibit's runs."""
    stages = [(folder.name, folder) for folder in sorted(chain.glob("*")) if (folder / "history.jsonl").is_file()]
    groups = [("stages", stages)]
    for one in found:
        runs = [(label(of.row), of.folder) for rows in one.rows.values() for of in rows if of.folder]
        groups.append((one.exhibit.title, [run for run in runs if run[0] != "student"]))
    charts = [chart for name, runs in groups if (chart := _curves(name, runs))]
    return (
        tag("div", *charts, class_="charts")
        if charts
        else tag("p", "No run of this folder kept its epochs.", class_="note")
    )


def _curves(name: str, runs: Sequence[tuple[str, Path]]) -> Markup | None:
    series = [(text, points) for text, folder in runs if len(points := history(folder)) > 1][:MOST]
    if not series:
        return None
    flat = [point for _, points in series for point in points]
    across, up = axis("epoch", [x for x, _ in flat]), axis("training loss", [y for _, y in flat], log=True)
    drawn = lines(f"Training loss by epoch: {name}", across, up, series)
    return tag("figure", drawn, tag("output"), tag("figcaption", f"{name}: the first {len(series)} that learn."))


def history(folder: Path) -> list[tuple[float, float]]:
    """(epoch, training loss) of a run."""
    file = folder / "history.jsonl"
    kept = [json.loads(line) for line in file.read_text().splitlines() if line] if file.is_file() else []
    return [(line["epoch"], line[LOSS]) for line in kept if LOSS in line]
