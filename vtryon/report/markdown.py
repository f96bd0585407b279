"""Reproductions as Markdown: a line a cell, the demo's rows, trends, contradictions, what is missing."""

from collections.abc import Iterable, Sequence

from vtryon.report.reproduction import Reproduction
from vtryon.report.written import DASH, counted, line_values, printed_as, sheet_table, shown, signed, with_spread

MOST = 40  # lines of a CSV that are shown
CELL = ("row", "column", "class", "published", "measured", "difference", "tolerance", "verdict", "run")


def markdown(found: Sequence[Reproduction]) -> str:
    """The whole as one document."""
    return "\n".join(["# Published and measured", "", *(line for one in found for line in _exhibit(one))])


def _exhibit(one: Reproduction) -> Iterable[str]:
    yield from (f"## {one.exhibit.title}", "", f"`{one.exhibit.reproduce}`", "")
    if one.cells:
        yield from (f"{len(one.cells)} cells: {counted(one.cells)}.", "", *_table(CELL, map(_cell, one.cells)))
    if one.lines:
        yield "The demo's narrow networks at 96x64 on procedural people; compare rows, not heights:"
        heads = ("row", *(of.head for of in one.exhibit.shown), "seeds", "run")
        yield from (
            "",
            *_table(heads, ([li.name, *line_values(one, li), li.seeds, li.source.place] for li in one.lines)),
        )
    for place, lines in one.sheets.items():
        more = f", the first {MOST} of {len(lines)} lines" if len(lines) > MOST else ""
        yield from (f"`{place}`{more}:", "", *_table(*sheet_table(lines[:MOST])))
    for trend in one.trends:
        verdict = "holds" if trend.holds else "does not hold"
        yield f"- Trend {verdict}: {trend.trend.says} (rank correlation {trend.rho:.2f} over {trend.points} rows)"
    for finding in one.findings:
        yield from (f"- Lint, {finding.verdict}: {finding.says}", *(f"  - {line}" for line in finding.arithmetic))
    yield from (f"- Not available here: {line}" for line in one.missing)
    yield ""


def _cell(cell) -> list[str]:
    tolerance = DASH if cell.tolerance is None else f"± {shown(cell.tolerance)}"
    where = cell.source.place if cell.source else "see below"
    verdict = f"{cell.verdict} ({cell.note})" if cell.source and cell.note else cell.verdict
    measured = with_spread(cell.measured, cell.spread)
    return [
        *(cell.row, cell.column, cell.kind, printed_as(cell.published), measured),
        *(signed(cell.difference), tolerance, verdict, where),
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence]) -> list[str]:
    lines = [" | ".join(heads), "|".join(["---"] * len(heads)), *(" | ".join(map(_plain, row)) for row in rows)]
    return [*(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines), ""]


def _plain(word: object) -> str:
    return str(word).replace("|", "\\|")
