"""Rows as a table on the terminal: the best of each column bold, a dash where a run has no number, and why."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from vtryon.callbacks.directions import best
from vtryon.report.rows import Row, label, reason, same_protocol, value


class Column(NamedTuple):
    """A number of the rows: where it stands, what stands above it, and its digits after the point (None: by size)."""

    head: str
    group: str
    key: str
    digits: int | None = None


MAIN = (
    Column("params\nM", "cost", "params_m"),
    Column("GMACs", "cost", "gmacs"),
    Column("size\nMiB", "cost", "mib"),
    Column("SSIM\npaired", "scores", "paired/ssim", 4),
    Column("MSE\npaired", "scores", "paired/mse", 1),
    Column("PSNR\ndB", "scores", "paired/psnr", 2),
    Column("FID", "scores", "unpaired/fid", 2),
    Column("FD\neffnet", "scores", "unpaired/fd_efficientnet", 2),
    Column("EPE\npx", "scores", "paired/epe", 2),
    Column("time\nms", "latency", "median_ms"),
)
_OTHER_PROTOCOL = "*"
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def table(rows: Sequence[Row], columns: Sequence[Column] = MAIN, title: str = "") -> Group:
    """A renderable for `rich.print`; a column that no row fills is left out, and its reason stands below."""
    filled = [c for c in columns if any(value(row, c.group, c.key) is not None for row in rows)]
    comparable = same_protocol(rows)
    notes = _Notes()
    grid = _grid(title, filled)
    winners = {column: _best(rows, column, comparable) for column in filled}
    for row, same in zip(rows, comparable, strict=True):
        cells = [_cell(row, column, winners[column], same, notes) for column in filled]
        grid.add_row(label(row) + ("" if same else _OTHER_PROTOCOL), *cells)
    if not all(comparable):
        notes.lines.append(f"{_OTHER_PROTOCOL} judged under another protocol than the first row: not to be compared")
    for column in columns:
        if column not in filled:
            _explain(rows, column, notes)
    return Group(grid, *(Text(line, style="dim") for line in notes.lines))


class _Notes:
    """Numbered footnotes, each reason once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.marks: dict[str, str] = {}

    def mark(self, why: str) -> str:
        if why not in self.marks:
            self.marks[why] = str(len(self.marks) + 1).translate(_RAISED)
            self.lines.append(f"{self.marks[why]} {why}")
        return self.marks[why]


def _grid(title: str, columns: Sequence[Column]) -> Table:
    grid = Table(title=title or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    grid.show_edge = grid.pad_edge = False
    grid.padding = (0, 1, 0, 0)
    grid.add_column("run", overflow="fold", vertical="bottom")
    for column in columns:
        grid.add_column(column.head, justify="right", no_wrap=True, vertical="bottom")
    return grid


def _cell(row: Row, column: Column, winner: str | None, same: bool, notes: _Notes) -> Text:
    number = value(row, column.group, column.key)
    if number is None:
        why = reason(row, column.key)
        return Text("-" if why is None else f"-{notes.mark(why)}", style="dim")
    shown = _shown(number, column)
    wins = shown == winner and (same or column.group != "scores")
    return Text(shown, style="bold" if wins else "")


def _best(rows: Sequence[Row], column: Column, comparable: Sequence[bool]) -> str | None:
    """The best number as it is shown, so that what reads equal is equally bold; None where there is no contest."""
    numbers = [
        number
        for row, same in zip(rows, comparable, strict=True)
        if (number := value(row, column.group, column.key)) is not None and (same or column.group != "scores")
    ]
    end = {"min": min, "max": max}.get(best(column.key) or "")
    return _shown(end(numbers), column) if end and len(numbers) > 1 else None


def _shown(number: float, column: Column) -> str:
    digits = column.digits
    if digits is None:
        digits = 3 if abs(number) < 1 else 2 if abs(number) < 100 else 1
    return f"{number:.{digits}f}"


def _explain(rows: Sequence[Row], column: Column, notes: _Notes) -> None:
    why = next(filter(None, (reason(row, column.key) for row in rows)), None)
    if why is not None:
        notes.lines.append(f"{column.key} is empty: {why}")
