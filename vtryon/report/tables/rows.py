"""Rows of runs, one row.json each, as mappings, as a frame and as CSV; and which rows one table may hold."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vtryon.utils.atomic import atomic_write

FILE = "row.json"
Row = Mapping[str, Any]
ORIGIN = (
    *(
        "name",
        "run",
        "stage",
        "profile",
        "seed",
        "size",
        "steps",
        "seconds",
        "perceptual",
        "fingerprint",
        "config_hash",
    ),
    *("commit", "dirty", "date", "cpu", "gpu", "threads"),
)
GROUPS = ("scores", "cost", "latency", "speed", "deployed", "front")
PROTOCOL = "protocol"  # the column of a CSV that names it
PAIRED_NOTE = (
    "paired scores are easy without a parser: the photo that the network is given shows the garment already, and its "
    "mere copy would be perfect; trust the unpaired ones"
)


def read_rows(*paths: str | Path) -> list[dict[str, Any]]:
    """Rows of run folders, of folders of runs (sorted by path), or of the files themselves.

    The row of a run that failed holds the reason and no numbers; it is left out.
    """
    return [_read(file) for file in _files(*paths)]


def run_folders(*paths: str | Path) -> list[Path]:
    """The folders of the same rows, in the same order."""
    return [file.parent for file in _files(*paths)]


def to_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """One line a row: origin, protocol, varied keys, then each number as GROUP.KEY, empty where a row has none.

    Example:
        >>> frame = to_frame([{"name": "a", "cost": {"gmacs": 2.0}}, {"name": "b", "varied": {"ngf": 3}}])
        >>> frame[["name", "ngf", "cost.gmacs"]].values.tolist()
        [['a', '', 2.0], ['b', '3', nan]]
    """
    varied: dict[str, None] = {}
    records: list[dict[str, Any]] = []
    for row in rows:
        values = {key: _text(value) for key, value in (row.get("varied") or {}).items() if key not in ORIGIN}
        varied |= dict.fromkeys(values)
        records.append({key: row.get(key) for key in ORIGIN} | {PROTOCOL: protocol_of(row)} | values)
    numbers: dict[str, None] = {}
    for group in GROUPS:
        for row, record in zip(rows, records, strict=True):
            for key, number in (row.get(group) or {}).items():
                if isinstance(number, int | float):
                    numbers[f"{group}.{key}"] = None
                    record[f"{group}.{key}"] = number
    frame = pd.DataFrame(records, columns=[*ORIGIN, PROTOCOL, *varied, *numbers], dtype=object)
    frame[list(varied)] = frame[list(varied)].fillna("")
    return frame


def write_csv(rows: Sequence[Row] | pd.DataFrame, path: str | Path) -> None:
    """Write `to_frame`, its numbers with six significant digits; an empty cell is no number."""
    frame = rows if isinstance(rows, pd.DataFrame) else to_frame(rows)
    text = frame.apply(lambda column: column.map(_digits if is_number(column.name) else str, na_action="ignore"))
    with atomic_write(path) as temporary:
        text.to_csv(temporary, index=False, lineterminator="\r\n")


def read_csv(path: Path) -> pd.DataFrame:
    """The frame that `write_csv` wrote: numbers as floats, everything else as text."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    rest = [column for column in text if column not in (*ORIGIN, PROTOCOL)]
    frame = text.reindex(columns=[*ORIGIN, PROTOCOL, *rest], fill_value="")
    numbers = {column: pd.to_numeric(frame[column]) for column in rest if is_number(column)}
    return frame.assign(seed=pd.to_numeric(frame["seed"]).fillna(0).astype(int), **numbers)


def varied_keys(frame: pd.DataFrame) -> list[str]:
    """The columns of a frame that are neither origin nor numbers.

    Example:
        >>> varied_keys(to_frame([{"name": "f11", "varied": {"model.warp.channels": [8, 8]}, "cost": {"mib": 1}}]))
        ['model.warp.channels']
    """
    return [key for key in frame if key not in (*ORIGIN, PROTOCOL) and not is_number(key)]


def label(row: Row) -> str:
    """The name of a row in a table: in a sweep the varied values, such as "0.4 by_task"; else the run's name.

    Example:
        >>> label({"name": "f11", "varied": {"model.warp.channels": [8, 8], "training.loss": {"ssim": 1}}})
        '8-8 ssim=1'
    """
    varied = " ".join(_text(value) for value in (row.get("varied") or {}).values())
    return row.get("label") or varied or str(row["name"])


def with_seeds(labels: Sequence[str], seeds: Sequence[Any]) -> list[str]:
    """Labels of rows, with its seed where several rows have one label and different seeds.

    Example:
        >>> with_seeds(["ngf=2", "ngf=2", "ngf=4"], [0, 1, 0])
        ['ngf=2 seed=0', 'ngf=2 seed=1', 'ngf=4']
    """
    by_label: dict[str, set] = {}
    for name, seed in zip(labels, seeds, strict=True):
        by_label.setdefault(name, set()).add(seed)
    return [
        f"{name} seed={seed}" if len(by_label[name]) > 1 else name for name, seed in zip(labels, seeds, strict=True)
    ]


def _text(value: Any) -> str:
    """A varied value as it stands in a CSV."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in value.items())
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def is_number(column: str) -> bool:
    """Whether a column of a frame is a number of a row, such as "cost.gmacs"."""
    return column.partition(".")[0] in GROUPS


def _digits(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def value(row: Row, group: str, key: str) -> float | None:
    """A number of a row, such as ("scores", "paired/ssim") or ("cost", "gmacs"); None where it has none."""
    return (row.get(group) or {}).get(key)


def reason(row: Row, key: str) -> str | None:
    """Why a score is empty, where the run knows."""
    return (row.get("empty") or {}).get(key)


def is_easy(key: str) -> bool:
    """Whether a score needs `PAIRED_NOTE`: it compares a paired try-on with the photo.

    Example:
        >>> is_easy("paired/ssim"), is_easy("paired/epe"), is_easy("unpaired/ssim")
        (True, False, False)
    """
    split, _, name = key.partition("/")
    return split == "paired" and name in ("ssim", "psnr", "mse", "lpips")


def protocol_of(row: Row) -> str:
    """The name of the protocol that a row was judged under; "" where it has none, as before names were kept."""
    return (row.get("protocol") or {}).get("name", "")


def by_protocol(rows: Sequence[Row]) -> list[list[int]]:
    """Numbers of the rows that may stand in one table, a list a table; a row joins the first that it fits.

    Example:
        >>> by_protocol([{"protocol": {"name": name}} for name in ("a", "b", "a")])
        [[0, 2], [1]]
    """
    tables: list[list[int]] = []
    for number, row in enumerate(rows):
        for table in tables:
            if all(_agree(row.get("protocol"), rows[member].get("protocol")) for member in table):
                table.append(number)
                break
        else:
            tables.append([number])
    return tables


def same_protocol(rows: Sequence[Row]) -> list[bool]:
    """Which rows were judged as the first was: on the same pairs, by the same features, against the same photographs.

    What only one of two rows was judged by is no contradiction: a baseline has no distance, a machine no FID weights.
    """
    return [_agree(row.get("protocol"), rows[0].get("protocol")) for row in rows]


def _agree(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return all(_agree(left[key], right[key]) for key in left.keys() & right.keys())
    return left is None or right is None or left == right


def _files(*paths: str | Path) -> list[Path]:
    files: list[Path] = []
    for path in map(Path, paths):
        below = [path] if path.is_file() else sorted(path.rglob(FILE), key=_by_job_number)
        if not below:
            raise FileNotFoundError(f"no {FILE} in or below {path}: a run writes one at its end; name a run's folder")
        files += below
    return [file for file in files if _read(file).get("state") != "failed"]


def _by_job_number(file: Path) -> list[tuple[int, str]]:
    """By path, the jobs of a sweep by their number: 10 comes after 9."""
    return [(int(name), "") if name.isdigit() else (-1, name) for name in file.parts]


def _read(file: Path) -> dict[str, Any]:
    try:
        row = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} is not JSON ({error}); delete it and run again") from error
    if not isinstance(row, dict):
        raise ValueError(f"{file} holds a {type(row).__name__}, a row is an object; delete it and run again")
    return {"name": file.parent.name, **row}
