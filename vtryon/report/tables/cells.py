"""A published number beside the measured one: difference, tolerance, verdict, and the run that measured it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from vtryon.report.papers.exhibit import DETERMINISTIC, Column, Exhibit
from vtryon.report.tables.measured import matches
from vtryon.utils.atomic import atomic_write

UNAVAILABLE = "not available here"
AGREES, DIFFERS, WRONG, DRIFTED, MEASURED = "agrees", "differs", "wrong", "drifted", "measured only"
WITHIN, OUTSIDE, ONE_SEED, ELSEWHERE = "within spread", "outside spread", "one seed", "another machine"
FAILURES = (WRONG, DRIFTED)
DRIFT = 1e-5  # share: committed rows are written with six digits
ORIGIN = ("commit", "dirty", "config_hash", "fingerprint", "profile", "cpu", "gpu", "date")

Frames = Mapping[str, pd.DataFrame]  # key of a recipe, such as "t1_sizes@full" → its rows
Line = Mapping[str, str]  # of a paper.csv


class Cell(NamedTuple):
    """One number of a published table; `measured` never comes from the paper."""

    exhibit: str
    row: str
    column: str
    kind: str
    published: float | None
    measured: float | None  # mean over seeds
    spread: float | None  # standard deviation over seeds
    seeds: int
    difference: float | None
    tolerance: float | None  # in the unit of the difference
    verdict: str
    note: str
    run: str | None = None  # where the row of the first seed lies, and its origin
    commit: str | None = None
    dirty: str | None = None
    config_hash: str | None = None
    fingerprint: str | None = None
    profile: str | None = None
    cpu: str | None = None
    gpu: str | None = None
    date: str | None = None
    folder: Path | None = None  # of the run, where it was made here


def cells(exhibit: Exhibit, paper: Sequence[Line], rows: Frames, earlier: Frames) -> list[Cell]:
    """A cell for each printed number, and for each that a run adds to a printed row.

    Args:
        paper: the lines of paper.csv.
        rows: measured rows.
        earlier: committed rows of the same recipes, from which a deterministic number must not drift.
    """
    filled = []
    for number, line in enumerate(paper):
        for column in exhibit.columns:
            if column.only in ("", line[exhibit.rows]):
                required = column.known == "all" or (column.known == "first" and number == 0)
                current, committed = (_measure(exhibit, column, line, paper[0], frames) for frames in (rows, earlier))
                filled.append(_cell(exhibit, column, line, current, committed, required))
    return filled


def _measure(exhibit: Exhibit, column: Column, line: Line, first: Line, rows: Frames) -> pd.DataFrame:
    """The rows of a cell, one a seed, with the number in the published unit as `value`."""
    chosen = _rows_of(exhibit, column, line, rows)
    numbers = chosen["value"]
    match column.form:
        case "share" | "loss":
            dense = _rows_of(exhibit, column, first, rows).set_index("seed")["value"]
            share = 100 * numbers / chosen["seed"].map(dense)
            numbers = share if column.form == "share" else share - 100
        case "per_second":
            numbers = 1000 / numbers
        case _:
            numbers = numbers * column.scale
    return chosen.assign(value=numbers).dropna(subset="value")


def _rows_of(exhibit: Exhibit, column: Column, line: Line, rows: Frames) -> pd.DataFrame:
    """The rows that correspond to a line of the paper, the last one of each seed, with the raw number as `value`."""
    frame = rows.get(column.recipe)
    if frame is None or column.number not in frame:
        return pd.DataFrame({"seed": [], "value": []})
    where = dict(column.where) | ({exhibit.varied: line[exhibit.rows]} if exhibit.varied else {})
    chosen = frame[matches(frame, where)].drop_duplicates("seed", keep="last")
    return chosen.assign(value=chosen[column.number].astype(float))


def _cell(
    exhibit: Exhibit, column: Column, line: Line, current: pd.DataFrame, committed: pd.DataFrame, required: bool
) -> Cell:
    published = _number(line.get(column.name))
    measured = float(current["value"].mean()) if len(current) else None
    spread = float(current["value"].std()) if len(current) > 1 else None
    gap = None if published is None or measured is None else measured - published
    tolerance = None if published is None else abs(published) * column.tolerance or None
    earlier = float(committed["value"].iloc[0]) if len(committed) else None
    if measured is None:
        verdict, note = UNAVAILABLE, _missing(exhibit, column)
    elif column.kind == DETERMINISTIC:
        verdict, note = _judge_cost(measured, earlier, gap, tolerance, required)
    else:
        verdict, note = _judge_score(column, spread, gap, tolerance)
    source = {} if measured is None else current.iloc[0].to_dict()
    return Cell(
        *(exhibit.name, line[exhibit.rows], column.head, column.kind, published, measured, spread, len(current), gap),
        *(tolerance, verdict, note),
        run=source.get("location"),
        **{key: source.get(key) for key in (*ORIGIN, "folder")},
    )


def _judge_cost(
    measured: float, earlier: float | None, gap: float | None, tolerance: float | None, required: bool
) -> tuple[str, str]:
    if earlier is not None and not math.isclose(measured, earlier, rel_tol=DRIFT):
        return DRIFTED, f"the committed row says {earlier:.6g}"
    if gap is None:
        return MEASURED, "nothing is printed"
    if tolerance is None or abs(gap) <= tolerance:
        return AGREES, ""
    return (WRONG, "the definition is known") if required else (DIFFERS, "the pruned channels are not published")


def _judge_score(column: Column, spread: float | None, gap: float | None, tolerance: float | None) -> tuple[str, str]:
    if column.number.startswith("latency."):
        return ELSEWHERE, "time of another machine, as torch runs it eagerly"
    if gap is None:
        return MEASURED, "nothing is printed"
    if spread is None:
        return ONE_SEED, "one seed has no spread; add seed=0,1,2"
    return (WITHIN if abs(gap) <= max(2 * spread, tolerance or 0) else OUTSIDE), "two standard deviations over seeds"


def _missing(exhibit: Exhibit, column: Column) -> str:
    """The file that a cell needs, and the command that would fill it."""
    recipe, needs = exhibit.recipe(column.recipe), column.needs or exhibit.needs
    if recipe.command:
        return f"needs {needs}: {recipe.command}"
    if recipe.name.endswith("_sizes"):
        return f"needs a run: {exhibit.command}"
    return f"needs {needs}: {exhibit.command} profile={recipe.profile} data.root=DIR"


def _number(text: str | None) -> float | None:
    try:
        return float(text)  # "64,128,256,256,256" is none
    except (TypeError, ValueError):
        return None


def failures(judged: Iterable[Cell]) -> list[Cell]:
    """The cells for which the command has to fail."""
    return [cell for cell in judged if cell.verdict in FAILURES]


def cell_frame(judged: Sequence[Cell]) -> pd.DataFrame:
    """One line a cell, the run that it comes from and that run's origin included; the columns of cells.csv."""
    return pd.DataFrame(judged, columns=Cell._fields).drop(columns="folder")


def write_cells(judged: Sequence[Cell], path: Path) -> None:
    """Write `cell_frame` with six significant digits."""
    with atomic_write(path) as temporary:
        cell_frame(judged).to_csv(temporary, index=False, float_format="%.6g", lineterminator="\r\n")
