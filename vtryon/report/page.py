"""The page: everything of a reproduction in one HTML file that needs no network."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from vtryon.report.cells import Cell
from vtryon.report.exhibit import DETERMINISTIC, STATISTICAL
from vtryon.report.markup import Markup, coded, joined, tag
from vtryon.report.page_charts import curves, heat, pareto
from vtryon.report.page_pictures import pictures, worst
from vtryon.report.page_tables import cell_table, findings, line_table, provenance, sheets, table, trends
from vtryon.report.reproduction import Reproduction
from vtryon.report.written import counted

# What a chart's mark is called is shown under the chart when it is reached or pointed at.
SCRIPT = """
for (const kind of ["focusin", "mouseover"]) document.addEventListener(kind, event => {
  const mark = event.target.closest("[data-name]");
  if (mark) mark.closest("figure").querySelector("output").textContent = mark.dataset.name;
});
"""


def page(found: Sequence[Reproduction], chain: Path, experiments: Path) -> str:
    """The document.

    Args:
        chain: folder of the stages' runs, for their curves.
        experiments: with pictures of earlier runs.
    """
    style = files("vtryon.report").joinpath("page.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", "vtryon: published and measured"),
        Markup('<link rel="icon" href="data:,">'),
        tag("style", Markup(style)),
    )
    sections = [_exhibit(one, experiments) for one in found]
    ending = [
        tag("section", tag("h2", "Quality against cost"), _legend(), pareto(found, experiments), id="pareto"),
        tag("section", tag("h2", "Training curves"), curves(chain, found), id="curves"),
    ]
    body = tag(
        "body",
        tag("a", "To the tables", href="#main", class_="skip"),
        _nav(found),
        tag("header", tag("h1", "Published and measured"), _made()),
        tag("main", _summary(found), *sections, *ending, id="main"),
        tag("footer", tag("p", "PF-AFN's weights and VITON are for non-commercial research.", class_="note")),
        tag("script", Markup(SCRIPT)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _made() -> Markup:
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return tag(
        "p",
        f"{when}. Deterministic numbers (parameters, GMACs, MiB) are of the full width at 256x192 and stand beside the "
        "printed ones; scores of the demo are of narrow networks at 96x64 on procedural people and stand apart. What "
        "is not available here says which file it needs. Nothing measured is taken from a paper.",
        class_="note",
    )


def _nav(found: Sequence[Reproduction]) -> Markup:
    links = [("main", "overview"), *((one.exhibit.name, _short(one)) for one in found)]
    links += [("pareto", "front"), ("curves", "curves")]
    return tag(
        "nav",
        tag("ul", *(tag("li", tag("a", name, href=f"#{at}")) for at, name in links)),
        aria_label="tables and figures",
    )


def _short(one: Reproduction) -> str:
    return one.exhibit.title.partition(":")[0]


def _summary(found: Sequence[Reproduction]) -> Markup:
    rows = []
    for one in found:
        link = tag("a", one.exhibit.title, href=f"#{one.exhibit.name}")
        kinds = [_counted(one.cells, kind) for kind in (DETERMINISTIC, STATISTICAL)]
        lint = sum(finding.verdict == "contradiction" for finding in one.findings)
        rows.append(
            [link, *(tag("td", text, class_="wide") for text in kinds), lint or "–", len(one.lines), len(one.missing)]
        )
    heads = [
        "table or figure",
        "deterministic cells",
        "statistical cells",
        "contradictions",
        "demo rows",
        "not available",
    ]
    return table("overview", heads, rows)


def _counted(cells: Sequence[Cell], kind: str) -> str:
    return counted(cell for cell in cells if cell.kind == kind) or "–"


def _exhibit(one: Reproduction, experiments: Path) -> Markup:
    parts = [tag("h2", one.exhibit.title), tag("p", tag("code", one.exhibit.reproduce))]
    if one.cells:
        parts.append(cell_table(one))
    parts.append(findings(one.findings))
    if one.lines:
        parts += [tag("h3", "The demo: 96x64, narrow networks, procedural people"), line_table(one)]
    parts += [trends(one), heat(one), sheets(one), pictures(one, experiments), worst(one)]
    if one.missing:
        parts += [
            tag("h3", "Not available here"),
            tag("ul", *(tag("li", coded(line)) for line in one.missing), class_="missing"),
        ]
    return tag("section", joined([*parts, provenance(one)]), id=one.exhibit.name)


def _legend() -> Markup:
    text = (
        "All rows of the demo. Filled: on the front. Hollow: ambiguous, the lead over it is within two standard "
        "deviations over seeds. Grey: dominated. Times were taken while other things ran; trust GMACs first."
    )
    return tag("p", text, class_="note")
