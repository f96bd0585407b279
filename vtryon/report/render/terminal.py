"""Rows as tables on the terminal, one a protocol: the best of each column bold, a dash where a run has no number."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from vtryon.metrics.registry import direction, in_main_table, metric_of
from vtryon.report.tables.rows import (
    PAIRED_NOTE,
    Row,
    by_protocol,
    is_easy,
    label,
    protocol_of,
    reason,
    value,
    with_seeds,
)


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
    Column("LPIPS", "scores", "paired/lpips", 4),
    Column("FID", "scores", "unpaired/fid", 2),
    Column("FD\neffnet", "scores", "unpaired/fd_efficientnet", 2),
    Column("EPE\npx", "scores", "paired/epe", 2),
    Column("time\nms", "latency", "median_ms"),
)
WITHOUT_TRUTH = (  # what the unpaired try-ons keep of the photo, and how they show the garment
    Column("FD\neffnet", "scores", "unpaired/fd_efficientnet", 2),
    Column("preserved\nSSIM", "scores", "unpaired/preserved_ssim", 4),
    Column("hair,\nface", "scores", "unpaired/preserved_hair_face", 4),
    Column("lower\nclothes", "scores", "unpaired/preserved_lower", 4),
    Column("garment\ndE", "scores", "unpaired/garment_de", 2),
    Column("garment\nSSIM", "scores", "unpaired/garment_ssim", 4),
)
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def table(
    rows: Sequence[Row], columns: Sequence[Column] | None = None, title: str = "", explained: bool = True
) -> Group:
    """A renderable for `rich.print`: a table for each protocol under its name, as scores of two do not compare.

    Args:
        columns: by default `main_columns`; one that no row fills is left out.
        explained: say below why a column is left out, and which scores are easy.
    """
    columns = main_columns(rows) if columns is None else columns
    filled = [c for c in columns if any(value(row, c.group, c.key) is not None for row in rows)]
    notes = _Notes()
    groups = by_protocol(rows)
    stack: list[RenderableType] = [Text(title, style="bold")] if title else []
    for group in groups:
        judged = [rows[number] for number in group]
        protocol = next(filter(None, map(protocol_of, judged)), "a protocol without a name" if len(groups) > 1 else "")
        stack += [Text(protocol, style="bold")] if protocol else []
        stack.append(_Grid(judged, filled, notes))
    if explained and any(column.group == "scores" and is_easy(column.key) for column in filled):
        notes.lines.append(PAIRED_NOTE)
    for column in columns if explained else ():
        if column not in filled:
            _explain(rows, column, notes)
    return Group(*stack, *(Text(line, style="dim") for line in notes.lines))


def empty_scores(rows: Sequence[Row]) -> list[str]:
    """The scores of the main table that some row could not have, such as those whose weight files are not here."""
    keys = [key for row in rows for key, why in (row.get("empty") or {}).items() if why is not None]
    return [column.key for column in main_columns(rows) if column.key in keys]


def main_columns(rows: Sequence[Row]) -> list[Column]:
    """`MAIN`, and a column for each other score of the rows that the registry of metrics shows in the main table."""
    columns = {column.key: column for column in MAIN}
    for row in rows:
        for key in row.get("scores") or {}:
            if key not in columns and in_main_table(key):
                split, _, name = key.rpartition("/")
                metric = metric_of(key)
                heading, digits = (name, None) if metric is None else (metric.heading, metric.digits)
                columns[key] = Column(f"{heading}\n{split}", "scores", key, digits)
    return list(columns.values())


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


class _Grid:
    """The rows of one protocol; columns for which the terminal has no room follow in further tables below.

    A name folds between its words and never within one, so that it can be read and searched for.
    """

    def __init__(self, rows: Sequence[Row], columns: Sequence[Column], notes: _Notes):
        self.names = with_seeds([label(row) for row in rows], [row.get("seed") for row in rows])
        self.columns = []
        for column in columns:
            winner = _best(rows, column)
            self.columns.append((column.head, [_cell(row, column, winner, notes) for row in rows]))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        name_width = max(cell_len(word) for name in ("run", *self.names) for word in name.split())
        blocks: list[list] = [[]]
        room = options.max_width - name_width
        for head, cells in self.columns:
            width = 1 + max(cell_len(line) for line in (*head.split("\n"), *map(str, cells)))
            if blocks[-1] and width > room:
                blocks.append([])
                room = options.max_width - name_width
            blocks[-1].append((head, cells))
            room -= width
        for block in blocks:
            yield self._table(block, name_width)

    def _table(self, columns: Sequence[tuple[str, list[Text]]], name_width: int) -> Table:
        table = Table(box=SIMPLE_HEAD)
        table.show_edge = table.pad_edge = False
        table.padding = 0  # one space, of the box, keeps columns apart
        table.add_column("run", overflow="fold", min_width=name_width, vertical="bottom")
        for head, _ in columns:
            table.add_column(head, justify="right", no_wrap=True, vertical="bottom")
        for name, *cells in zip(self.names, *(cells for _, cells in columns), strict=True):
            table.add_row(name, *cells)
        return table


def _cell(row: Row, column: Column, winner: str | None, notes: _Notes) -> Text:
    number = value(row, column.group, column.key)
    if number is None:
        why = reason(row, column.key)
        return Text("-" if why is None else f"-{notes.mark(why)}", style="dim")
    shown = _shown(number, column)
    return Text(shown, style="bold" if shown == winner else "")


def _best(rows: Sequence[Row], column: Column) -> str | None:
    """The best number as it is shown, so that what reads equal is equally bold; None where there is no contest."""
    numbers = [number for row in rows if (number := value(row, column.group, column.key)) is not None]
    choose = {"min": min, "max": max}.get(direction(column.key) or "")
    return _shown(choose(numbers), column) if choose and len(numbers) > 1 else None


def _shown(number: float, column: Column) -> str:
    digits = column.digits
    if digits is None:
        digits = 3 if abs(number) < 1 else 2 if abs(number) < 100 else 1
    return f"{number:.{digits}f}"


def _explain(rows: Sequence[Row], column: Column, notes: _Notes) -> None:
    why = next(filter(None, (reason(row, column.key) for row in rows)), None)
    if why is not None:
        notes.lines.append(f"{column.key} is empty: {why}")
