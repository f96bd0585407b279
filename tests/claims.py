"""What the headers of recipes say of committed rows, `#   rows`, read and held against experiments/*/measured*.csv.

A header has claims of these forms, parted by semicolons, behind the profile whose rows are meant:

    #   rows      demo: 4 to 122 seconds; paired SSIM 0.70 to 0.82; GMACs 0.43 to 0.45 of student's; GMACs fall with
    #             compression.ratio; MSE least for training=by_task

A range holds for every committed row of the recipe, to the digits that it gives, and is no wider than a tenth beyond
what they reach. A share is that of the other recipe's row in the same file. Trends, and what is least or most, hold
where all other swept keys are the same.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
COLUMNS = {
    "seconds": "seconds",
    "paired SSIM": "scores.paired/ssim",
    "unpaired SSIM": "scores.unpaired/ssim",
    "MSE": "scores.paired/mse",
    "end-point error": "scores.paired/epe",
    "validation's end-point error": "scores.val/epe",
    "Fréchet distance": "scores.unpaired/fd_efficientnet",
    "distance to the teacher": "scores.unpaired/mse_to_teacher",
    "parameters": "cost.params_m",
    "GMACs": "cost.gmacs",
    "MiB": "cost.mib",
    "warp's GMACs": "cost.cwm/gmacs",
    "warp's MiB": "cost.cwm/mib",
    "generator's parameters": "cost.igm/params_m",
    "generator's GMACs": "cost.igm/gmacs",
    "generator's MiB": "cost.igm/mib",
}
NUMBER = r"[\d.,]+"
RANGE = re.compile(
    rf"(?:(?P<what>[^0-9]+) )?(?P<low>{NUMBER})(?: to (?P<high>{NUMBER}))?"
    r"(?: (?P<unit>seconds))?(?: of (?P<other>\w+)'s)?"
)
TREND = re.compile(r"(?P<what>.+) (?P<way>falls?|grows?) with (?P<key>[\w.]+)")
EXTREME = re.compile(r"(?P<what>.+) (?P<way>least|most) for (?P<key>[\w.]+)=(?P<value>\S+)")
MEASURED = ("scores.", "cost.", "latency.", "speed.", "front.", "deployed.")
LOOSE = 0.1  # relative: how far a bound may lie from any row


class Claims(NamedTuple):
    """A header's claims on the rows of one profile."""

    profile: str
    claims: list[str]


def read_claims(text: str) -> list[Claims]:
    """The claims of a header's field, one item a profile."""
    parts = re.split(r"(?:^|; )(demo|small|full): ", text)[1:]
    return [Claims(profile, claims.split("; ")) for profile, claims in zip(parts[::2], parts[1::2], strict=True)]


def committed() -> dict[str, pd.DataFrame]:
    """The files of rows below experiments/, by their path there."""
    frames = {str(file.relative_to(EXPERIMENTS)): pd.read_csv(file) for file in EXPERIMENTS.glob("*/measured*.csv")}
    return {name: frame for name, frame in sorted(frames.items()) if {"name", "stage", "profile"} <= {*frame.columns}}


def broken(recipe: str, profile: str, claim: str, files: dict[str, pd.DataFrame]) -> Iterator[str]:
    """A line for each way in which the rows contradict a claim."""
    chosen = {file: frame[(frame.name == recipe) & (frame.profile == profile)] for file, frame in files.items()}
    chosen = {file: rows for file, rows in chosen.items() if len(rows)}
    if match := TREND.fullmatch(claim):
        for file, rows in chosen.items():
            yield from _against_trend(file, rows, **match.groupdict())
    elif match := EXTREME.fullmatch(claim):
        for file, rows in chosen.items():
            yield from _surpassed(file, rows, **match.groupdict())
    elif match := RANGE.fullmatch(claim):
        yield from _out_of_range(chosen, files, **match.groupdict())
    else:
        yield "cannot be read"


def _out_of_range(
    chosen: dict[str, pd.DataFrame], files: dict, what: str, low: str, high: str, unit: str, other: str
) -> Iterator[str]:
    column = COLUMNS[unit or what]
    found = {}
    for file, rows in chosen.items():
        values = rows[column].dropna() if column in rows else pd.Series(dtype=float)
        if other is not None:
            whole = files[file]
            base = whole[(whole.name == other) & (whole.profile == rows.profile.iloc[0])]
            values = values / base[column].iloc[0] if len(base) else values.iloc[:0]
        if len(values):
            found[file] = (float(values.min()), float(values.max()))
    least, most = (float(bound.replace(",", "")) for bound in (low, high or low))
    rounded = 0.51 * 10.0 ** -min(len(bound.partition(".")[2]) for bound in (low, high or low))
    for file, (smallest, largest) in found.items():
        if smallest < least - rounded or largest > most + rounded:
            yield f"{file} has {smallest:.4g} to {largest:.4g}"
    if not found:
        yield "no row tells"
    elif min(f[0] for f in found.values()) > least * (1 + LOOSE) or max(f[1] for f in found.values()) < most / (
        1 + LOOSE
    ):
        yield f"is wider than the rows, {found}"


def _groups(rows: pd.DataFrame, key: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows that differ in `key` alone; none where a file has one value of it."""
    swept = rows.columns[rows.columns.get_loc("threads") + 1 :]
    swept = [name for name in swept if not name.startswith(MEASURED) and name not in (key, "protocol")]
    fixed = [name for name in swept if rows[name].nunique() > 1]
    groups = rows.groupby(fixed) if fixed else [("", rows)]
    return ((str(name), members) for name, members in groups if members[key].nunique() > 1)


def _against_trend(file: str, rows: pd.DataFrame, what: str, way: str, key: str) -> Iterator[str]:
    for group, members in _groups(rows, key):
        values = members.sort_values(key)[COLUMNS[what]].dropna()
        if not (values.is_monotonic_increasing if way.startswith("grow") else values.is_monotonic_decreasing):
            yield f"{file} {group} has {[float(f'{value:.4g}') for value in values]}"


def _surpassed(file: str, rows: pd.DataFrame, what: str, way: str, key: str, value: str) -> Iterator[str]:
    for group, members in _groups(rows, key):
        values = members.set_index(members[key].astype(str))[COLUMNS[what]].dropna()
        if value in values and value != (values.idxmin() if way == "least" else values.idxmax()):
            yield f"{file} {group} has {values.to_dict()}"
