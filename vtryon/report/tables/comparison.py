"""Relative losses side by side: as published, on real photographs, and on drawn people."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from vtryon.report.papers.exhibit import Comparison, Exhibit
from vtryon.report.tables.measured import matches


class Loss(NamedTuple):
    """What a compressed network loses, in per cent of the uncompressed one's number; None where it is not known."""

    row: str
    published: float | None
    photographs: float | None
    drawn: float | None


def losses(
    exhibit: Exhibit, paper: Sequence[Mapping[str, str]], measured: Sequence[tuple[pd.DataFrame, pd.DataFrame]]
) -> list[Loss]:
    """A line for each compressed row of paper.csv; none where the exhibit compares nothing.

    Args:
        measured: (rows, the uncompressed network's row) on real photographs, and on drawn people.
    """
    comparison = exhibit.comparison
    if comparison is None:
        return []
    lines = []
    for line in paper[1:]:
        where = {**comparison.where, exhibit.varied: line[exhibit.rows]}
        measured_losses = [_loss(comparison, where, runs, dense) for runs, dense in measured]
        lines.append(Loss(line[exhibit.rows], float(line[comparison.published]), *measured_losses))
    return lines


def _loss(comparison: Comparison, where: Mapping[str, str], runs: pd.DataFrame, dense: pd.DataFrame) -> float | None:
    """The mean over seeds, in per cent of the uncompressed network's number."""
    number = comparison.number
    if not len(dense) or number not in runs:
        return None
    rows = runs[matches(runs, where)].drop_duplicates("seed", keep="last")[number].dropna().astype(float)
    return 100 * (rows.mean() / float(dense[number].iloc[0]) - 1) if len(rows) else None
