"""The rows that stand beside a published table: of runs made here, else of those whose rows are committed."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vtryon.report.exhibit import Recipe
from vtryon.report.rows import GROUPS, ORIGIN, Row, read_rows, run_folders


class Measured(NamedTuple):
    """A row, and where it is to be found."""

    row: Row
    place: str  # folder of the run, or file of committed rows
    folder: Path | None = None  # of the run, where there is one


def live(folder: Path) -> list[Measured]:
    """Rows of the finished runs in a folder; none where there is no such folder, or nothing finished."""
    try:
        rows, folders = read_rows(folder), run_folders(folder)
    except FileNotFoundError:
        return []
    return [Measured(row, short(place), place) for row, place in zip(rows, folders, strict=True)]


def short(place: Path) -> str:
    """A path as one would write it here."""
    here = Path.cwd()
    return str(place.relative_to(here) if place.is_relative_to(here) else place)


def is_whole(folder: Path) -> bool:
    """Whether all jobs of a sweep are done; what is no sweep is whole."""
    file = folder / "manifest.json"
    jobs = json.loads(file.read_text())["jobs"] if file.is_file() else []
    return all(job["state"] == "done" for job in jobs)


def committed(recipe: Recipe, experiments: Path) -> list[Measured]:
    """Rows of an earlier run of `recipe` that are kept in `experiments`."""
    file = experiments / recipe.committed
    if not file.is_file():
        return []
    place = f"experiments/{recipe.committed}"
    return [Measured(row, place) for row in read_csv(file) if row.get("name") == recipe.name]


def baseline(rows: Sequence[Measured], folder: Path, experiments: Path) -> Measured | None:
    """The dense student that the rows go back to: it has seen the same data.

    Args:
        rows: of a sweep.
        folder: of the stages' runs.
        experiments: committed rows, looked through where the runs are not there.
    """
    data = {one.row.get("fingerprint") for one in rows}
    kept = sorted(experiments.glob("*/measured*.csv"))
    here = any(one.folder for one in rows)
    found = (live(folder / "student") if here else []) + [
        Measured(row, f"experiments/{file.parent.name}/{file.name}") for file in kept for row in read_csv(file)
    ]
    students = (one for one in found if one.row.get("name") == "student" and one.row.get("fingerprint") in data)
    return next(students, None)


def read_csv(path: Path) -> list[dict[str, Any]]:
    """The rows that `write_csv` wrote: origin and groups as they were, what was varied as text."""
    with path.open(newline="") as file:
        return [_row(line) for line in csv.DictReader(file)]


def _row(line: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"varied": {}, **{group: {} for group in GROUPS}}
    for key, text in line.items():
        group, _, name = key.partition(".")
        if group in GROUPS:
            if text:
                row[group][name] = float(text)
        elif key in ORIGIN:
            row[key] = text
        else:
            row["varied"][key] = text
    row["dirty"] = row.get("dirty") == "True"
    return row | {"seed": int(row.get("seed") or 0), "size": json.loads(row.get("size") or "null")}


def normal(value: Any) -> str:
    """A varied value as it compares, whether it comes from a row, from a CSV or from a paper.

    Example:
        >>> normal([8, 8]) == normal("8,8") == normal("8-8"), normal(0.20) == normal("0.2"), normal(["warp."])
        (True, True, 'warp.')
    """
    if isinstance(value, list | tuple):
        return "-".join(map(normal, value))
    text = str(value).replace(",", "-").replace(" ", "")
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def holds(row: Row, where: Mapping[str, Any]) -> bool:
    """Whether a row was made with these values."""
    varied = row.get("varied") or {}
    return all(normal(varied.get(key, "")) == normal(wanted) for key, wanted in where.items())
