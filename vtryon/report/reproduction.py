"""An exhibit and all that stands beside it: cells, the demo's rows, trends, contradictions, what is missing."""

import csv
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vtryon.report.bench_rows import correlation_rows
from vtryon.report.cells import Cell, cells, rank_correlation, size_of
from vtryon.report.exhibit import Exhibit, Recipe, Trend
from vtryon.report.lint import Finding, lint
from vtryon.report.measured import Measured, baseline, committed, holds, is_whole, live, short
from vtryon.report.rows import label, value

Where = Callable[[Recipe], Path | None]  # the folder of a recipe's runs


class Line(NamedTuple):
    """A row of the demo: means over its seeds, and their standard deviation where there are several."""

    name: str
    values: Sequence[tuple[float | None, float | None]]
    seeds: int
    source: Measured


class Correlation(NamedTuple):
    """A trend, and what was found of it."""

    trend: Trend
    rho: float
    points: int

    @property
    def holds(self) -> bool:
        return self.rho * self.trend.sign > 0


class Reproduction(NamedTuple):
    """All of an exhibit."""

    exhibit: Exhibit
    paper: Sequence[Mapping[str, str]]
    cells: Sequence[Cell]
    lines: Sequence[Line]
    trends: Sequence[Correlation]
    findings: Sequence[Finding]
    rows: Mapping[str, Sequence[Measured]]  # "recipe@profile" → rows
    sheets: Mapping[str, Sequence[Mapping[str, str]]]  # CSVs of commands that are no sweeps, by place
    missing: Sequence[str]


def reproduction(exhibit: Exhibit, where: Where, chain: Path, experiments: Path) -> Reproduction:
    """Join paper.csv with what was measured.

    Args:
        where: the folder of a recipe's runs; committed rows stand in where it is empty.
        chain: folder of the demo's stages.
        experiments: with paper.csv and the committed rows.
    """
    paper = read_lines(experiments / exhibit.folder / "paper.csv")
    sweeps = {f"{one.name}@{one.profile}": one for one in exhibit.recipes if not one.command}
    kept = {key: committed(recipe, experiments) for key, recipe in sweeps.items()}
    here = {key: _own(recipe, live(folder)) if (folder := where(recipe)) else [] for key, recipe in sweeps.items()}
    rows = {key: _better(where(recipe), here[key], kept[key]) for key, recipe in sweeps.items()}
    demo = [one for key, recipe in sweeps.items() if recipe.profile == "demo" for one in rows[key]]
    start = baseline(demo, chain, experiments) if demo else None
    sheets = {place: found for one in exhibit.recipes for place, found in _sheets(one, where, here, experiments)}
    for one in exhibit.recipes:
        if one.command:
            found = [row for place, lines in sheets.items() for row in correlation_rows(place, lines)]
            rows[f"{one.name}@{one.profile}"] = found
    return Reproduction(
        exhibit,
        paper,
        cells(exhibit, paper, rows, kept),
        _lines(exhibit, [start, *demo] if start else demo),
        [found for trend in exhibit.trends if (found := _correlation(trend, demo))],
        lint({exhibit.name: paper}),
        rows | ({"baseline": [start]} if start else {}),
        sheets,
        _missing(exhibit, rows, sheets),
    )


def _better(folder: Path | None, here: list[Measured], kept: list[Measured]) -> list[Measured]:
    """What was run here; a sweep that is under way stands back behind one that is committed whole."""
    return kept if not here or (kept and folder is not None and not is_whole(folder)) else here


def _own(recipe: Recipe, rows: Sequence[Measured]) -> list[Measured]:
    """Those of a recipe, where its folder holds others as well."""
    return [
        one
        for one in rows
        if one.row["name"] == recipe.name and one.row.get("profile", recipe.profile) == recipe.profile
    ]


def read_lines(path: Path) -> list[dict[str, str]]:
    """A CSV's lines; none where there is no such file, as of figures that print no values."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _sheets(recipe: Recipe, where: Where, here: Mapping, experiments: Path) -> list[tuple[str, list[dict[str, str]]]]:
    """What a command or an analysis left: here, else what is committed."""
    if recipe.command:
        folder = where(recipe)
        files = [folder / "measured.csv"] if folder else []
    else:
        runs = here[f"{recipe.name}@{recipe.profile}"]
        files = [one.folder / name for one in runs for name in recipe.sheets]
    found = [(short(file), read_lines(file)) for file in files]
    if not any(lines for _, lines in found) and (recipe.command or recipe.sheets):
        kept = sorted((experiments / recipe.committed).parent.glob("*.csv"))
        found = [(f"experiments/{f.parent.name}/{f.name}", read_lines(f)) for f in kept if f.name != "paper.csv"]
    return [(place, lines) for place, lines in found if lines]


def _lines(exhibit: Exhibit, rows: Sequence[Measured]) -> list[Line]:
    same: dict[str, list[Measured]] = {}
    for one in rows:
        same.setdefault(label(one.row), []).append(one)
    return [_line(exhibit, name, of) for name, of in same.items()]


def _line(exhibit: Exhibit, name: str, of: Sequence[Measured]) -> Line:
    values = []
    for shown in exhibit.shown:
        numbers = [n for one in of if (n := value(one.row, shown.group, shown.key)) is not None]
        spread = statistics.stdev(numbers) if len(numbers) > 1 else None
        values.append((statistics.fmean(numbers) if numbers else None, spread))
    return Line(name, values, len({one.row["seed"] for one in of}), of[0])


def _correlation(trend: Trend, rows: Sequence[Measured]) -> Correlation | None:
    points = [
        (size_of(one.row["varied"][trend.x]), number)
        for one in rows
        if trend.x in (one.row.get("varied") or {})
        and holds(one.row, trend.where)
        and (number := value(one.row, trend.group, trend.key)) is not None
    ]
    if len(points) < 3 or any(len(set(axis)) < 2 for axis in zip(*points, strict=True)):
        return None
    return Correlation(trend, rank_correlation(*zip(*points, strict=True)), len(points))


def _missing(exhibit: Exhibit, rows: Mapping[str, Sequence], sheets: Mapping) -> list[str]:
    """A sentence for each recipe without a row: what it needs, and the command that would fill it."""
    found = []
    for recipe in exhibit.recipes:
        have = sheets if recipe.command or recipe.sheets else rows[f"{recipe.name}@{recipe.profile}"]
        if not have:
            trained = recipe.profile == "full" and not recipe.name.endswith("_sizes")
            more = " profile=full data.root=DIR" if trained else ""
            needs = exhibit.needs if trained or not exhibit.columns else "a run"
            command = recipe.command or f"{exhibit.reproduce}{more}"
            found.append(f"{recipe.name}, profile={recipe.profile}: needs {needs}. `{command}`")
    return found
