"""Numbers, cells and trends as text, the same in the page, in Markdown and in LaTeX."""

import json
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from vtryon.report.tables.cells import Cell
from vtryon.report.tables.from_supernet import Agreement
from vtryon.report.tables.lines import Correlation

DASH = "–"
HASH_DIGITS = 10  # of a commit or a config hash that are shown


def number(value: float | None, digits: int | None = None) -> str:
    """Four significant figures, or so many digits after the point; a dash for no number.

    Example:
        >>> number(43.9), number(1630.4), number(0.02971), number(None), number(0.8053, 4)
        ('43.90', '1630', '0.0297', '–', '0.8053')
    """
    if value is None:
        return DASH
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3 if size >= 0.1 else 4
    return f"{value:.{digits}f}"


def printed(value: float | None) -> str:
    """A published number with the digits that were printed, trailing zeros apart."""
    return DASH if value is None else f"{value:.8g}"


def signed(value: float | None) -> str:
    """A difference with its sign."""
    return DASH if value is None else f"{'+' if value >= 0 else '-'}{number(abs(value))}"


def spread(value: float | None, deviation: float | None, digits: int | None = None) -> str:
    """A mean, and its standard deviation where there is one; what no seed changes, as a count, has none."""
    return f"{number(value, digits)} ± {number(deviation, digits)}" if deviation else number(value, digits)


def counted(cells: Iterable[Cell]) -> str:
    """The number of cells of each verdict: "12 agrees, 3 differs"."""
    return ", ".join(f"{count} {verdict}" for verdict, count in Counter(cell.verdict for cell in cells).items())


def cell_texts(cell: Cell) -> list[str]:
    """A cell as a line of Markdown's table: names, numbers, verdict and run."""
    verdict = f"{cell.verdict} ({cell.note})" if cell.run and cell.note else cell.verdict
    tolerance = DASH if cell.tolerance is None else f"± {number(cell.tolerance)}"
    return [
        *(cell.row, cell.column, cell.kind, printed(cell.published), spread(cell.measured, cell.spread)),
        *(signed(cell.difference), tolerance, verdict, cell.run or "see below"),
    ]


def trend(measured: Correlation) -> str:
    """A trend as a sentence."""
    holds = "holds" if measured.holds else "does not hold"
    return f"{holds}: {measured.trend.claim} (rank correlation {measured.rho:.2f} over {measured.points} rows)"


def agreement(measured: Agreement) -> str:
    """How networks from a supernet agree with own trainings, as a sentence."""
    kind = f" ({measured.trained})" if measured.trained else ""
    differences = f"differences {signed(measured.least)} to {signed(measured.largest)} %"
    return (
        f"{measured.number} of {measured.networks} networks from a supernet beside own trainings{kind}: "
        f"rank correlation {measured.rho:.2f}, {differences}"
    )


def origin(value: object, key: str) -> str:
    """A value of a row's origin; hashes are shortened."""
    text = "" if value is None or value is pd.NA or value != value else str(value)
    return text[:HASH_DIGITS] if key in ("commit", "config_hash") else text


def sizes(runs: pd.DataFrame) -> str:
    """The image sizes of rows, height x width.

    Example:
        >>> sizes(pd.DataFrame({"size": [[96, 64], "[96, 64]", "[256, 192]", None, ""]}))
        '96x64, 256x192'
    """
    listed = {}
    for size in runs["size"]:
        pixels = json.loads(size or "null") if isinstance(size, str) else size
        if pixels:
            listed["x".join(map(str, pixels))] = None
    return ", ".join(listed)


def markdown_cell(value: object) -> str:
    """Text that does not end a cell of Markdown's table."""
    return str(value).replace("|", "\\|")


def latex_escape(text: str) -> str:
    """Text that LaTeX sets as it stands.

    Example:
        >>> latex_escape("50 % of a_b – c")
        '50 \\\\% of a\\\\_b -- c'
    """
    special = {character: f"\\{character}" for character in "&%$#_{}"}
    special |= {"–": "--", "±": r"$\pm$", "✓": r"$\checkmark$"}
    special |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
    return "".join(special.get(character, character) for character in str(text))
