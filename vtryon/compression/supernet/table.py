"""The table of candidates: widths, cost and quality of every network that was judged, and which of them are better."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from vtryon.compression.sensitivity.resumable_csv import ResumableCsv
from vtryon.compression.supernet.candidates import Evaluator, Quality
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.widths import Choice

OBJECTIVES = ("mse", "fd", "mixed")


class Table:
    """A CSV that grows: the widths, cost and quality of every candidate; what stands in it is not asked again."""

    def __init__(self, path: Path, prices: Prices):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.csv, self.prices = ResumableCsv(path, Choice._fields, ("gmacs", "mib", *Quality._fields)), prices
        self.known = {self._key(row): Quality(float(row["mse"]), float(row["fd"])) for row in self.csv.rows}

    def ask(self, choice: Choice, evaluator: Evaluator, advance: Callable[[], None] | None = None) -> Quality:
        cells = {name: _written(value) for name, value in choice._asdict().items()}
        key = self._key(cells)
        if key not in self.known:
            quality = evaluator(choice)
            costs = {"gmacs": self.prices.gmacs(choice), "mib": self.prices.mib(choice)}
            self.csv.add([cells | costs | quality._asdict()])
            self.known[key] = quality
            if advance is not None:
                advance()
        return self.known[key]

    @staticmethod
    def _key(cells: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(cells[name]) for name in Choice._fields)


def _written(value: int | tuple[int, ...]) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def scores(qualities: Sequence[Quality], by: str) -> list[float]:
    """How good candidates are beside each other, less being better.

    Args:
        qualities: of all candidates.
        by: "mse", "fd", or "mixed", the mean of a candidate's ranks in both.
    """
    columns = {"mse": [quality.mse for quality in qualities], "fd": [quality.fd for quality in qualities]}
    if by != "mixed":
        return columns[by]
    return np.mean([rankdata(column) for column in columns.values()], axis=0).tolist()


def check_objective(by: str) -> None:
    if by not in OBJECTIVES:
        raise ValueError(f"by (={by!r}) must be one of {', '.join(OBJECTIVES)}")
