"""Numbers, lines and links as words: what Markdown, LaTeX and the page have in common."""

from collections import Counter
from collections.abc import Iterable, Sequence

from vtryon.report.cells import Cell
from vtryon.report.reproduction import Line, Reproduction

DASH = "–"


def shown(number: float | None, digits: int | None = None) -> str:
    """Four figures that count, or so many after the point; a dash for no number.

    Example:
        >>> shown(43.9), shown(1630.4), shown(0.02971), shown(None), shown(0.8053, 4)
        ('43.90', '1630', '0.0297', '–', '0.8053')
    """
    if number is None:
        return DASH
    if digits is None:
        size = abs(number)
        digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3 if size >= 0.1 else 4
    return f"{number:.{digits}f}"


def printed_as(number: float | None) -> str:
    """A published number, no digit more or less than was printed but for trailing zeros."""
    return DASH if number is None else f"{number:.8g}"


def signed(number: float | None) -> str:
    return DASH if number is None else f"{'+' if number >= 0 else '-'}{shown(abs(number))}"


def with_spread(number: float | None, spread: float | None, digits: int | None = None) -> str:
    return shown(number, digits) if spread is None else f"{shown(number, digits)} ± {shown(spread, digits)}"


def line_values(one: Reproduction, line: Line) -> list[str]:
    """The numbers of a row of the demo, as they are printed."""
    return [with_spread(*pair, of.digits) for pair, of in zip(line.values, one.exhibit.shown, strict=True)]


def counted(found: Iterable[Cell]) -> str:
    """How many cells of each verdict: "12 agrees, 3 differs"."""
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(cell.verdict for cell in found).items())


def heads(one: Reproduction) -> list[str]:
    """The columns of an exhibit, each once."""
    return list(dict.fromkeys(column.head for column in one.exhibit.columns))


def by_row(one: Reproduction) -> dict[str, dict[str, Cell]]:
    """Row → column → cell."""
    found: dict[str, dict[str, Cell]] = {}
    for cell in one.cells:
        found.setdefault(cell.row, {})[cell.column] = cell
    return found


def sheet_table(lines: Sequence[dict[str, str]]) -> tuple[list[str], list[list[str]]]:
    """A CSV as heads and rows."""
    return list(lines[0]), [list(line.values()) for line in lines]
