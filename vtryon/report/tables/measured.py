"""The rows that stand beside a published table, as a frame: of runs made here, else of those whose rows are committed.

To the columns of measured.csv these frames add `label`, `location` (of the row, as text), `folder` (of the run, None
for committed rows) and `judged` (the whole protocol).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vtryon.report.papers.exhibit import Recipe
from vtryon.report.tables.rows import (
    PROTOCOL,
    by_protocol,
    label,
    read_csv,
    read_rows,
    run_folders,
    to_frame,
    varied_keys,
)

ADDED = ["label", "location", "folder", "judged"]
LOOP = "shifted"  # form of the correlation that the paper calls CorrTorch


def runs_frame(*paths: str | Path) -> pd.DataFrame:
    """The rows of finished runs, with where they lie; FileNotFoundError where a place holds none."""
    rows, folders = read_rows(*paths), run_folders(*paths)
    protocols = [row.get(PROTOCOL) or {} for row in rows]
    locations = [short(folder) for folder in folders]
    return _located(to_frame(rows), [label(row) for row in rows], locations, folders, protocols)


def runs_below(folder: Path) -> pd.DataFrame:
    """The rows of the finished runs below a folder; none where nothing is finished, or there is no such folder."""
    try:
        return runs_frame(folder)
    except FileNotFoundError:
        return no_rows()


def committed(recipe: Recipe, experiments: Path) -> pd.DataFrame:
    """Rows of an earlier run of `recipe`, kept in `experiments`."""
    file = experiments / recipe.committed
    if not file.is_file():
        return no_rows()
    frame = _committed_file(file)
    return frame[frame["name"] == recipe.name]


def no_rows() -> pd.DataFrame:
    """A frame without rows."""
    return _located(to_frame([]), [], [], [], [])


def correlation_row(file: str, lines: pd.DataFrame) -> pd.DataFrame:
    """Table 5's row, from the CSV of `vtryon bench correlation`: a line for each level and form, and their sums.

    Returns one row: milliseconds of each form over all levels, and how many times as fast as the loop it is.

    Example:
        >>> lines = pd.DataFrame({"level": "sum", "form": ["shifted", "unfolded"], "median_ms": ["150", "75"]})
        >>> float(correlation_row("bench.csv", lines)["latency.unfolded_acceleration"].iloc[0])
        2.0
    """
    sums = lines[lines["level"] == "sum"].set_index("form")["median_ms"].astype(float) if "level" in lines else {}
    if LOOP not in sums:
        return no_rows()
    times = sums.to_dict() | {f"{form}_acceleration": sums[LOOP] / ms for form, ms in sums.items()}
    row = lines.iloc[0].to_dict() | {"name": "correlation", "seed": 0, "latency": times}
    return _located(to_frame([row]), [label(row)], [file], [None], [{}])


def baseline(frame: pd.DataFrame, chain: Path, experiments: Path) -> pd.DataFrame:
    """The dense student that the rows of a sweep were compressed from: one row that saw the same data, or none.

    Args:
        frame: rows of the sweep.
        chain: folder of the stages' runs, used where the sweep ran here.
        experiments: committed rows, used otherwise.
    """
    folders = [chain / "student"] if frame["folder"].notna().any() else []
    for path in [*folders, *sorted(experiments.glob("*/measured*.csv"))]:
        rows = runs_below(path) if path in folders else _committed_file(path)
        students = rows[(rows["name"] == "student") & rows["fingerprint"].isin(set(frame["fingerprint"]))]
        if len(students):
            return students.iloc[:1]
    return no_rows()


def committed_spreads(experiments: Path, number: str) -> list[float]:
    """The standard deviations of a number over the seeds of committed demo rows, where there are three or more."""
    spreads = []
    for file in sorted(experiments.glob("*/measured_demo.csv")):
        frame = _committed_file(file)
        if number in frame:
            rows = (
                frame[frame["name"] != ""].dropna(subset=number).drop_duplicates(["name", "label", "seed"], keep="last")
            )
            for _, seeds in rows.groupby(["name", "label"]):
                spreads += [float(seeds[number].std())] if len(seeds) > 2 else []
    return spreads


def raise_unless_comparable(frame: pd.DataFrame, table: str) -> None:
    """Refuse rows of several protocols.

    Raises:
        ValueError: naming the protocols and a row of each.
    """
    groups = by_protocol([{PROTOCOL: judged} for judged in frame["judged"]])
    if len(groups) > 1:
        firsts = [frame.iloc[numbers[0]] for numbers in groups]
        listed = "; ".join(f"{first['location']}: {first[PROTOCOL] or 'without a name'}" for first in firsts)
        raise ValueError(
            f"{table}: its rows were judged under {len(groups)} protocols, which no table mixes ({listed}); "
            "report the runs of one of them, or test the others again on the same pairs at the same size"
        )


def protocol_name(frame: pd.DataFrame) -> str:
    """The protocol of rows that are comparable; "" where none of them names it."""
    return next((name for name in frame[PROTOCOL] if name), "")


def matches(frame: pd.DataFrame, where: Mapping[str, Any]) -> pd.Series:
    """Which rows have these values of varied keys; a key that no row has counts as empty."""
    mask = pd.Series(True, index=frame.index)
    for key, value in where.items():
        values = frame[key].fillna("") if key in frame else pd.Series("", index=frame.index)
        mask &= values.map(comparable) == comparable(value)
    return mask


def comparable(value: Any) -> str:
    """A varied value in the form in which rows, CSVs and papers agree.

    Example:
        >>> comparable([8, 8]) == comparable("8,8") == comparable("8-8"), comparable(0.20) == comparable("0.2")
        (True, True)
    """
    if isinstance(value, list | tuple):
        return "-".join(comparable(item) for item in value)
    text = str(value).replace(",", "-").replace(" ", "")
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def is_complete(folder: Path) -> bool:
    """Whether all jobs of a sweep are done; a folder without a manifest is no sweep, and complete."""
    file = folder / "manifest.json"
    jobs = json.loads(file.read_text())["jobs"] if file.is_file() else []
    return all(job["state"] == "done" for job in jobs)


def short(path: Path) -> str:
    """A path relative to the working directory where it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _committed_file(file: Path) -> pd.DataFrame:
    frame = read_csv(file)
    protocols = [{"name": name} if name else {} for name in frame[PROTOCOL]]
    varied = frame[varied_keys(frame)].to_numpy()
    labels = [" ".join(filter(None, values)) or name for values, name in zip(varied, frame["name"], strict=True)]
    location = f"experiments/{file.parent.name}/{file.name}"
    return _located(frame, labels, [location] * len(frame), [None] * len(frame), protocols)


def _located(
    frame: pd.DataFrame,
    labels: Sequence[str],
    locations: Sequence[str],
    folders: Sequence[Path | None],
    protocols: Sequence[Mapping[str, Any]],
) -> pd.DataFrame:
    columns = {"label": labels, "location": locations, "folder": folders, "judged": protocols}
    added = pd.DataFrame(columns, index=frame.index, columns=ADDED, dtype=object)
    return pd.concat([frame, added], axis=1)
