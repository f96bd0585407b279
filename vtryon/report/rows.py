"""Read the rows that runs leave behind, one row.json each: scores, cost, latency, and under which protocol."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vtryon.nn.atomic import atomic_write

FILE = "row.json"
Row = Mapping[str, Any]
ORIGIN = (
    *("name", "stage", "profile", "seed", "size", "steps", "seconds", "perceptual", "fingerprint", "config_hash"),
    *("commit", "dirty", "date", "cpu", "gpu", "threads"),
)
GROUPS = ("scores", "cost", "latency", "speed", "deployed", "front")


def read_rows(*places: str | Path) -> list[dict[str, Any]]:
    """Rows of run folders, of folders of runs (sorted by path), or of the files themselves.

    A run that failed leaves a row that says why; it is none of these.
    """
    return [_read(file) for file in _files(*places)]


def run_folders(*places: str | Path) -> list[Path]:
    """The folders of the same rows, in the same order."""
    return [file.parent for file in _files(*places)]


def write_csv(rows: Sequence[Row], path: str | Path) -> None:
    """One line a row: who it is, where it comes from, then every number under its key; an empty cell is no number."""
    groups = {
        f"{group}.{key}": (group, key)
        for group in GROUPS
        for row in rows
        for key, number in (row.get(group) or {}).items()
        if isinstance(number, int | float)
    }
    varied = list(dict.fromkeys(key for row in rows for key in row.get("varied") or {}))
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*ORIGIN, *varied, *groups])
        for row in rows:
            swept = [_written((row.get("varied") or {}).get(key, "")) for key in varied]
            numbers = [_digits(value(row, *place)) for place in groups.values()]
            writer.writerow([*(row.get(key) for key in ORIGIN), *swept, *numbers])


def label(row: Row) -> str:
    """What a table calls a row: in a sweep what was varied, such as "0.4 by_task"; else the run's name.

    Example:
        >>> label({"name": "f11", "varied": {"model.warp.channels": [8, 8], "training.loss": {"ssim": 1}}})
        '8-8 ssim=1'
    """
    return " ".join(_written(value) for value in (row.get("varied") or {}).values()) or str(row["name"])


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}={part}" for key, part in value.items())
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def _digits(number: object) -> object:
    return f"{number:.6g}" if isinstance(number, float) else number


def value(row: Row, group: str, key: str) -> float | None:
    """A number of a row, such as ("scores", "paired/ssim") or ("cost", "gmacs"); None where it has none."""
    return (row.get(group) or {}).get(key)


def reason(row: Row, key: str) -> str | None:
    """Why a score is empty, where the run knows."""
    return (row.get("empty") or {}).get(key)


def same_protocol(rows: Sequence[Row]) -> list[bool]:
    """Which rows were judged as the first was: on the same pairs, by the same features, against the same photographs.

    What only one of two rows was judged by is no contradiction: a baseline has no distance, a machine no FID weights.
    """
    return [_agree(row.get("protocol"), rows[0].get("protocol")) for row in rows]


def _agree(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_agree(one[key], other[key]) for key in one.keys() & other.keys())
    return one is None or other is None or one == other


def _files(*places: str | Path) -> list[Path]:
    found: list[Path] = []
    for place in map(Path, places):
        files = [place] if place.is_file() else sorted(place.rglob(FILE), key=_in_order)
        if not files:
            raise FileNotFoundError(f"no {FILE} in or below {place}: a run writes one at its end; name a run's folder")
        found += files
    return [file for file in found if _read(file).get("state") != "failed"]


def _in_order(file: Path) -> list[tuple[int, str]]:
    """By path, the jobs of a sweep by their number: 10 comes after 9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in file.parts]


def _read(file: Path) -> dict[str, Any]:
    try:
        row = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} is not JSON ({error}); delete it and run again") from error
    if not isinstance(row, dict):
        raise ValueError(f"{file} holds a {type(row).__name__}, a row is an object; delete it and run again")
    return {"name": file.parent.name, **row}
