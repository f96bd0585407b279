"""A published number beside the measured one: difference, tolerance, verdict, and where the measured one comes from."""

import csv
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vtryon.nn.atomic import atomic_write
from vtryon.report.exhibit import DETERMINISTIC, Column, Exhibit
from vtryon.report.measured import Measured, holds, normal
from vtryon.report.rows import value

UNAVAILABLE = "not available here"
AGREES, DIFFERS, WRONG, DRIFTED, MEASURED = "agrees", "differs", "wrong", "drifted", "measured only"
WITHIN, OUTSIDE, ONE_SEED, ELSEWHERE = "within spread", "outside spread", "one seed", "another machine"
FAILURES = (WRONG, DRIFTED)
DRIFT = 1e-5  # share: the six digits that committed rows are written with

Rows = Mapping[str, Sequence[Measured]]  # "recipe@profile" → rows


class Cell(NamedTuple):
    """One number of a published table; `measured` never comes from the paper."""

    exhibit: str
    row: str
    column: str
    kind: str
    published: float | None
    measured: float | None
    spread: float | None  # standard deviation over seeds
    seeds: int
    difference: float | None
    tolerance: float | None  # in the unit of the difference
    verdict: str
    note: str
    source: Measured | None


def cells(exhibit: Exhibit, paper: Sequence[Mapping[str, str]], rows: Rows, kept: Rows) -> list[Cell]:
    """A cell for each printed number, and for each that a run adds to a printed row.

    Args:
        paper: the lines of paper.csv.
        rows: what was measured.
        kept: committed rows of the same recipes, from which a deterministic number must not drift.
    """
    found = []
    for number, line in enumerate(paper):
        for column in exhibit.columns:
            if column.only in ("", line[exhibit.rows]):
                found.append(_cell(exhibit, column, line, paper[0], rows, kept, number == 0))
    return found


def _cell(exhibit: Exhibit, column: Column, line: Mapping, first: Mapping, rows: Rows, kept: Rows, leads: bool) -> Cell:
    published = _number(line.get(column.name))
    numbers, sources = _measure(exhibit, column, line, first, rows)
    measured = statistics.fmean(numbers) if numbers else None
    spread = statistics.stdev(numbers) if len(numbers) > 1 else None
    gap = None if published is None or measured is None else measured - published
    tolerance = None if published is None else abs(published) * column.tolerance or None
    before, _ = _measure(exhibit, column, line, first, kept)
    due = column.known == "all" or (column.known == "first" and leads)
    verdict, note = _verdict(column, measured, spread, gap, tolerance, before, due)
    if measured is None:
        note = _missing(exhibit, column)
    return Cell(
        *(exhibit.name, line[exhibit.rows], column.head, column.kind, published, measured, spread, len(numbers), gap),
        *(tolerance, verdict, note, sources[0] if sources else None),
    )


def _measure(exhibit: Exhibit, column: Column, line: Mapping, first: Mapping, rows: Rows) -> tuple[list[float], list]:
    """The column's number of each seed's row, and the rows."""
    chosen = _matching(exhibit, column, line, rows)
    pairs = []
    for one in chosen:
        number = value(one.row, column.group, column.key)
        start = _reference(exhibit, column, first, rows, one.row["seed"]) if column.form in ("share", "loss") else None
        if number is not None and (column.form not in ("share", "loss") or start):
            pairs.append((_formed(number, start, column), one))
    return [number for number, _ in pairs], [one for _, one in pairs]


def _matching(exhibit: Exhibit, column: Column, line: Mapping, rows: Rows) -> list[Measured]:
    where = dict(column.where) | ({exhibit.varied: line[exhibit.rows]} if exhibit.varied else {})
    seeds = {one.row["seed"]: one for one in rows.get(column.recipe, ()) if holds(one.row, where)}
    return list(seeds.values())


def _reference(exhibit: Exhibit, column: Column, first: Mapping, rows: Rows, seed: int) -> float | None:
    same = [one for one in _matching(exhibit, column, first, rows) if one.row["seed"] == seed]
    return value(same[0].row, column.group, column.key) if same else None


def _formed(number: float, start: float | None, column: Column) -> float:
    match column.form:
        case "share":
            return 100 * number / start
        case "loss":
            return 100 * (number / start - 1)
        case "per_second":
            return 1000 / number
    return number * column.scale


def _verdict(column: Column, measured, spread, gap, tolerance, before: list[float], due: bool) -> tuple[str, str]:
    if measured is None:
        return UNAVAILABLE, ""
    if column.kind == DETERMINISTIC:
        if before and not math.isclose(measured, before[0], rel_tol=DRIFT):
            return DRIFTED, f"the committed row says {before[0]:.6g}"
        if gap is None:
            return MEASURED, "nothing is printed"
        if tolerance is None or abs(gap) <= tolerance:
            return AGREES, ""
        return (WRONG, "the definition is known") if due else (DIFFERS, "which channels went is not published")
    if column.group == "latency":
        return ELSEWHERE, "time of another machine, as torch runs it eagerly"
    if gap is None:
        return MEASURED, "nothing is printed"
    if spread is None:
        return ONE_SEED, "one seed tells no spread; add seed=0,1,2"
    return (WITHIN if abs(gap) <= max(2 * spread, tolerance or 0) else OUTSIDE), "two standard deviations over seeds"


def _missing(exhibit: Exhibit, column: Column) -> str:
    """Which file is needed, and what command would fill the cell."""
    recipe = exhibit.recipe(column.recipe)
    if recipe.command:
        return f"needs {column.needs or exhibit.needs}: {recipe.command}"
    if recipe.name.endswith("_sizes"):
        return f"needs a run: {exhibit.reproduce}"
    return f"needs {column.needs or exhibit.needs}: {exhibit.reproduce} profile={recipe.profile} data.root=DIR"


def _number(text: str | None) -> float | None:
    try:
        return float(text)  # "64,128,256,256,256" is none
    except (TypeError, ValueError):
        return None


def failures(found: Iterable[Cell]) -> list[Cell]:
    """The cells for which the command has to fail."""
    return [cell for cell in found if cell.verdict in FAILURES]


ORIGIN = ("commit", "dirty", "config_hash", "fingerprint", "profile", "cpu", "gpu", "date")


def origin(cell: Cell) -> dict[str, Any]:
    """Where a measured number comes from."""
    row = cell.source.row if cell.source else {}
    return {key: row.get(key) for key in ORIGIN}


def write_cells(found: Sequence[Cell], path: Path) -> None:
    """One line a cell, the run that it comes from and that run's origin included."""
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*Cell._fields[:-1], "run", *ORIGIN])
        for cell in found:
            shown = [f"{part:.6g}" if isinstance(part, float) else part for part in cell[:-1]]
            writer.writerow([*shown, cell.source.place if cell.source else "", *origin(cell).values()])


def ranks(numbers: Sequence[float]) -> list[float]:
    """Ranks from 0, those of equals averaged."""
    ordered = sorted(numbers)
    return [statistics.fmean(i for i, other in enumerate(ordered) if other == number) for number in numbers]


def rank_correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Spearman's.

    Example:
        >>> rank_correlation([1, 2, 3, 4], [10, 20, 40, 30])
        0.8
    """
    return round(statistics.correlation(ranks(xs), ranks(ys)), 12)


def size_of(varied: Any) -> float:
    """A varied value as a number: of widths their sum."""
    return math.fsum(float(part) for part in normal(varied).split("-"))
