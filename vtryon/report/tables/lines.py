"""Measured rows summed up: means over seeds, a line a label, and the rank correlations that a paper's claims expect."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from vtryon.report.papers.exhibit import Shown, Trend
from vtryon.report.tables.measured import comparable, matches


class Line(NamedTuple):
    """Measured rows of one label: means over seeds, and their standard deviations where there are several."""

    name: str
    values: Sequence[tuple[float | None, float | None]]  # (mean, spread) of each of the exhibit's shown columns
    seeds: int
    source: pd.Series  # the row of the first seed


class Correlation(NamedTuple):
    """A trend, and the rank correlation that was measured."""

    trend: Trend
    rho: float
    points: int

    @property
    def holds(self) -> bool:
        """Whether the correlation has the expected sign."""
        return self.rho * self.trend.sign > 0


def lines_of(shown: Sequence[Shown], runs: pd.DataFrame) -> list[Line]:
    """A line for each label, in the rows' order."""
    lines = []
    for name, seeds in runs.groupby("label", sort=False):
        values = []
        for column in shown:
            numbers = seeds[column.number].dropna().astype(float) if column.number in seeds else pd.Series(dtype=float)
            spread = float(numbers.std()) if len(numbers) > 1 else None
            values.append((float(numbers.mean()) if len(numbers) else None, spread))
        lines.append(Line(name, values, seeds["seed"].nunique(), seeds.iloc[0]))
    return lines


def rank_correlation(trend: Trend, runs: pd.DataFrame) -> Correlation | None:
    """Spearman's correlation; None of fewer than three rows, or of rows that all agree in one of the values."""
    if trend.x not in runs or trend.number not in runs:
        return None
    rows = runs[matches(runs, trend.where) & (runs[trend.x].fillna("") != "")].dropna(subset=trend.number)
    xs, ys = rows[trend.x].map(_size), rows[trend.number].astype(float)
    if len(rows) < 3 or xs.nunique() < 2 or ys.nunique() < 2:
        return None
    return Correlation(trend, spearman(xs, ys), len(rows))


def spearman(xs: pd.Series, ys: pd.Series) -> float:
    """The rank correlation of two columns."""
    return round(float(xs.rank().corr(ys.rank())), 12)


def _size(varied: str) -> float:
    """A varied value as a number: of widths their sum."""
    return sum(float(width) for width in comparable(varied).split("-"))
