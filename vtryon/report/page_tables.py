"""Tables of the page: published beside measured, the demo's rows, what contradicts itself, where numbers come from."""

from collections.abc import Iterable, Sequence

from vtryon.report.cells import ORIGIN, Cell, origin
from vtryon.report.lint import Finding
from vtryon.report.markup import Markup, joined, tag
from vtryon.report.reproduction import Reproduction
from vtryon.report.written import by_row, heads, line_values, printed_as, sheet_table, shown, signed, with_spread

COMMIT = 10  # digits of a hash that are shown
FOLDED = 12  # lines of a CSV that are shown unfolded, at most


def table(name: str, columns: Sequence[object], rows: Iterable[Sequence[object]], class_: str | None = None) -> Markup:
    """A table that scrolls by itself where it is too wide, by finger or by arrow keys; its first column heads rows."""
    head = tag("thead", tag("tr", *(tag("th", column, scope="col") for column in columns)))
    lines = [tag("tr", tag("th", first, scope="row"), *map(_data, rest)) for first, *rest in rows]
    whole = tag("table", head, tag("tbody", *lines), class_=class_)
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=name)


def _data(cell: object) -> Markup:
    return cell if isinstance(cell, Markup) and cell.startswith("<td") else tag("td", cell)


def cell_table(one: Reproduction) -> Markup:
    """A row of the paper a line: printed, measured, verdict."""
    columns = heads(one)
    rows = [[name, *(_pair(row.get(head)) for head in columns)] for name, row in by_row(one).items()]
    return table(f"{one.exhibit.title}: published and measured", [one.exhibit.rows, *columns], rows)


def _pair(cell: Cell | None) -> Markup:
    if cell is None:
        return tag("td")
    printed = tag("span", f"printed {printed_as(cell.published)}", class_="printed")
    difference = f" {signed(cell.difference)}" if cell.difference is not None else ""
    within = f" (± {shown(cell.tolerance)})" if cell.tolerance is not None and cell.measured is not None else ""
    verdict = tag("span", f"{cell.verdict}{difference}{within}", class_=f"verdict {cell.verdict.split()[0]}")
    ours = tag("span", with_spread(cell.measured, cell.spread), class_="ours")
    return tag("td", ours, printed, verdict, title=cell.note or None)


def line_table(one: Reproduction) -> Markup:
    """The demo's rows."""
    columns = ["row", *(of.head for of in one.exhibit.shown), "seeds", "run"]
    rows = [
        [line.name, *line_values(one, line), line.seeds, "here" if line.source.folder else "committed"]
        for line in one.lines
    ]
    return table(f"{one.exhibit.title}: the demo's rows", columns, rows)


def findings(found: Sequence[Finding]) -> Markup:
    """Lint, with its arithmetic."""
    return joined(
        tag(
            "div",
            tag("strong", f"Lint, {one.verdict}: "),
            one.says,
            tag("ul", *(tag("li", line) for line in one.arithmetic)),
            class_=f"finding {one.verdict}",
        )
        for one in found
    )


def trends(one: Reproduction) -> Markup:
    """Rank correlations."""
    lines = [
        tag(
            "li",
            f"{'holds' if found.holds else 'does not hold'}: {found.trend.says} "
            f"(rank correlation {found.rho:.2f} over {found.points} rows)",
        )
        for found in one.trends
    ]
    return tag("div", tag("h3", "Trends"), tag("ul", *lines)) if lines else Markup()


def sheets(one: Reproduction) -> Markup:
    """CSVs of commands, as they are, folded where they are long."""
    parts = []
    for place, lines in one.sheets.items():
        inside = table(place, *sheet_table(lines))
        parts.append(
            tag(
                "details",
                tag("summary", f"{len(lines)} rows of ", tag("code", place)),
                inside,
                open=len(lines) <= FOLDED,
            )
        )
    return joined(parts)


def provenance(one: Reproduction) -> Markup:
    """Where each measured number comes from: run, commit, config, data, machine, date."""
    sources = {cell.source.place: cell for cell in one.cells if cell.source}
    rows = [_origin(f"{cell.row}, {cell.column}", cell.source, cell) for cell in one.cells if cell.source]
    rows += [_origin(line.name, line.source, None) for line in one.lines]
    if not rows:
        return Markup()
    text = f"Where each number comes from ({len(rows)} numbers and rows, {len(sources) or len(rows)} places)"
    columns = ["number", "run", *(key.replace("_", " ") for key in ORIGIN)]
    return tag("details", tag("summary", text), table(f"{one.exhibit.title}: provenance", columns, rows))


def _origin(name: str, source, cell: Cell | None) -> list[object]:
    found = origin(cell) if cell else {key: source.row.get(key) for key in ORIGIN}
    values = [str(value)[:COMMIT] if key in ("commit", "config_hash") else value for key, value in found.items()]
    place = tag("a", source.place, href=f"file://{source.folder}") if source.folder else source.place
    return [name, tag("td", place, class_="text"), *("" if value is None else value for value in values)]
