"""RUN/sensitivity.csv, row by row: what is measured is kept at once, so that a killed analysis goes on where it was."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from vtryon.utils.atomic import atomic_write

FILE = "sensitivity.csv"
Cells = Mapping[str, str | int | float]


class ResumableCsv:
    """A table that grows.

    Args:
        path: of the CSV; rows that it holds already are known.
        key: the columns that tell what a row is of.
        values: the columns that are measured.
    """

    def __init__(self, path: Path, key: Sequence[str], values: Sequence[str]):
        self.path, self.key, self.columns = path, tuple(key), (*key, *values)
        self.rows: list[dict[str, str]] = []
        if path.is_file():
            with path.open(newline="") as file:
                self.rows = list(csv.DictReader(file))
        self.known = {self._key(row) for row in self.rows}

    def holds(self, row: Cells) -> bool:
        """Whether what `row` is of has been measured; other columns than the key are not looked at."""
        return self._key(row) in self.known

    def add(self, rows: Iterable[Cells]) -> None:
        """Write the table with these rows at its end; a reader sees all of them or none."""
        written = [{name: _formatted(row[name]) for name in self.columns} for row in rows]
        self.rows += written
        self.known |= {self._key(row) for row in written}
        with atomic_write(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self.rows)

    def _key(self, row: Cells) -> tuple[str, ...]:
        return tuple(_formatted(row[name]) for name in self.key)


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator:
    """A bar with the time that is left; yields a function to call with how many more are done."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, force_jupyter=False)) as bar:
        task = bar.add_task(title, total=total, completed=done)
        yield lambda count=1: bar.advance(task, count)


def _formatted(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
