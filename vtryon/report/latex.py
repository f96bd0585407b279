"""Reproductions as LaTeX: one booktabs table an exhibit, published over measured in each cell."""

from collections.abc import Sequence

from vtryon.report.cells import AGREES, DRIFTED, UNAVAILABLE, WRONG, Cell
from vtryon.report.reproduction import Reproduction
from vtryon.report.written import by_row, heads, line_values, printed_as, with_spread

_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
_DASH = {"–": "--", "±": r"$\pm$"}
_MARKS = {AGREES: r"$\checkmark$", UNAVAILABLE: "", WRONG: r"\textbf{!}", DRIFTED: r"\textbf{!}"}
_HEAD = "% \\usepackage{booktabs,amssymb}; first line of a row: published, second: measured; a tick: within tolerance"


def latex(found: Sequence[Reproduction]) -> str:
    """A file to \\input; needs booktabs, and amssymb for the tick."""
    tables = [table for one in found for table in (_cells(one), _demo(one)) if table]
    return "\n\n".join([_HEAD, *tables]) + "\n"


def escaped(text: object) -> str:
    """Text that LaTeX sets as it stands.

    Example:
        >>> escaped("50 % of a_b – c")
        '50 \\\\% of a\\\\_b -- c'
    """
    return "".join(_SPECIAL.get(c, _DASH.get(c, c)) for c in str(text))


def _cells(one: Reproduction) -> str:
    if not one.cells:
        return ""
    columns, lines = heads(one), []
    for name, row in by_row(one).items():
        printed = [escaped(printed_as(row[head].published)) if head in row else "" for head in columns]
        ours = [_measured(row[head]) if head in row else "" for head in columns]
        lines += [[escaped(name), *printed], ["", *ours]]
    return _table(one.exhibit.title, ["", *map(escaped, columns)], lines)


def _measured(cell: Cell) -> str:
    return f"{escaped(with_spread(cell.measured, cell.spread))}{_MARKS.get(cell.verdict, '')}"


def _demo(one: Reproduction) -> str:
    if not one.lines:
        return ""
    names = ["", *(escaped(of.head) for of in one.exhibit.shown)]
    rows = [[escaped(line.name), *map(escaped, line_values(one, line))] for line in one.lines]
    return _table(f"{one.exhibit.title}, demo profile", names, rows)


def _table(caption: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    body = [" & ".join(row) + r" \\" for row in rows]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\small",
            rf"\caption{{{escaped(caption)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(names) - 1)}}}",
            *(r"\toprule", " & ".join(names) + r" \\", r"\midrule", *body, r"\bottomrule"),
            r"\end{tabular}",
            r"\end{table}",
        ]
    )
