"""Reproductions as documents, one Jinja2 template each: a page in HTML, tables in Markdown and in LaTeX."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from vtryon.report.figures.charts import damage_charts
from vtryon.report.render import formatting
from vtryon.report.render.overview import curves, fronts
from vtryon.report.render.pictures import analysis_figures, committed_strips, strips, worst_cases
from vtryon.report.tables.cells import AGREES, DRIFTED, ORIGIN, WRONG, Cell
from vtryon.report.tables.comparison import Loss
from vtryon.report.tables.reproduction import Reproduction
from vtryon.report.tables.rows import PAIRED_NOTE, with_seeds

TITLE = "Published and measured"
INTRODUCTION = (
    "Costs (parameters, GMACs, MiB) of full-width networks stand beside the printed ones; scores of smaller runs stand "
    "apart, under the size and the protocol of their test. What is not available here is listed with what it needs. "
    "No measured number is taken from a paper."
)
MARKS = {AGREES: " ✓", WRONG: " !", DRIFTED: " !"}


def page(
    reports: Sequence[Reproduction],
    chain: Path | None,
    experiments: Path | None,
    out: Path,
    title: str = TITLE,
    introduction: str = INTRODUCTION,
    copies: Mapping[Path, Path] | None = None,
) -> str:
    """One HTML file that needs no network.

    Args:
        chain: folder of the stages' runs, for their curves.
        experiments: with pictures and spreads of earlier runs.
        out: folder of the page, from which its links lead to the rows.
        copies: of rows, by the folder of their run, where the page is to be read without the runs.
    """

    def link(folder: Path) -> str:
        return Path(os.path.relpath((copies or {}).get(folder, folder / "row.json"), out)).as_posix()

    environment = _environment()
    environment.filters["link"] = link
    sections = []
    for report in reports:
        section = _section(report) | {"origins": _origins(report), "worst": worst_cases(report)}
        section["damage"] = [_safe(chart) for sheet in report.sheets.values() for chart in damage_charts(sheet)]
        section["figures"] = analysis_figures(report)
        section["strips"] = strips(report)
        has_committed = experiments is not None and not section["strips"]
        section["committed"] = committed_strips(report.exhibit, experiments) if has_committed else []
        sections.append(section)
    return environment.get_template("page.html").render(
        title=title,
        introduction=introduction,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        style=_asset("page.css"),
        script=_asset("page.js"),
        sections=sections,
        fronts=[_safe(chart) for chart in fronts(reports, experiments)],
        curves=[_safe(chart) for chart in curves(reports, chain)],
        origin_keys=ORIGIN,
        paired_note=PAIRED_NOTE,
    )


def markdown(reports: Sequence[Reproduction], title: str = TITLE) -> str:
    """All tables, trends, contradictions and gaps as one document of Markdown."""
    sections = [_section(report) for report in reports]
    return _environment().get_template("tables.md").render(title=title, sections=sections, paired_note=PAIRED_NOTE)


def latex(reports: Sequence[Reproduction]) -> str:
    r"""A file to \input, one booktabs table an exhibit, published over measured in each cell; needs amssymb too."""
    sections = []
    for report in reports:
        section = _section(report)
        section["cell_tabular"] = _tabular(_stacked(section["grid"], section["heads"]))
        heads = ["", *section["main_heads"]]
        section["line_tabular"] = _tabular(pd.DataFrame([line[:-2] for line in section["line_texts"]], columns=heads))
        sections.append(section)
    return _environment().get_template("tables.tex").render(sections=sections, paired_note=PAIRED_NOTE)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("vtryon.report.render"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("number", "printed", "signed", "spread", "counted", "cell_texts", "trend", "agreement", "origin"):
        environment.filters[name] = getattr(formatting, name)
    environment.filters |= {"cell": formatting.markdown_cell, "latex": formatting.latex_escape}
    return environment


def _section(report: Reproduction) -> dict[str, Any]:
    """The fields of a reproduction that all templates use."""
    exhibit, grid = report.exhibit, {}
    for cell in report.cells:
        grid.setdefault(cell.row, {})[cell.column] = cell
    main = [number for number, column in enumerate(exhibit.shown) if not column.optional]
    texts = []
    for line in report.lines:
        values = [formatting.spread(*line.values[number], exhibit.shown[number].digits) for number in main]
        texts.append([line.name, *values, str(line.seeds), line.source["location"]])
    comparison = exhibit.comparison
    head = comparison.head if comparison else ""
    loss_heads = [exhibit.rows, f"{head}, published", f"{head}, real photographs", f"{head}, drawn people"]
    return report._asdict() | {
        **{"id": exhibit.name, "title": exhibit.title, "command": exhibit.command, "row_head": exhibit.rows},
        **{"heads": list(dict.fromkeys(column.head for column in exhibit.columns)), "grid": grid},
        **{"shown": exhibit.shown, "main_heads": [exhibit.shown[number].head for number in main], "line_texts": texts},
        **{"loss_heads": loss_heads, "loss_texts": [_loss_texts(loss) for loss in report.losses]},
        **{"subtitle": _subtitle(report.runs), "protocol": report.protocol, "is_easy": report.is_easy},
    }


def _loss_texts(loss: Loss) -> list[str]:
    return [loss.row, *(formatting.signed(value) for value in loss[1:])]


def _subtitle(runs: pd.DataFrame) -> str:
    """The number of runs, their profile and their image size, from the rows."""
    profiles = ", ".join(dict.fromkeys(str(profile) for profile in runs["profile"] if profile))
    sizes = formatting.sizes(runs)
    return f"{len(runs)} runs" + (f", profile={profiles}" if profiles else "") + (f", at {sizes}" if sizes else "")


def _origins(report: Reproduction) -> list[dict[str, Any]]:
    """The run and the origin of each measured cell, and of each row of each line: a mean has one of every seed."""
    origins = []
    for cell in report.cells:
        if cell.run:
            name, values = f"{cell.row}, {cell.column}", cell._asdict()
            origins.append({"number": name, "run": cell.run, "folder": cell.folder, "origin": values})
    names = with_seeds(list(report.runs["label"]), list(report.runs["seed"]))
    for name, (_, row) in zip(names, report.runs.iterrows(), strict=True):
        values = {key: row.get(key) for key in ORIGIN}
        origins.append({"number": name, "run": row["location"], "folder": row["folder"], "origin": values})
    return origins


def _stacked(grid: dict[str, dict[str, Cell]], heads: list[str]) -> pd.DataFrame:
    """Two lines a row: published, then measured with a mark of the verdict."""
    lines = []
    for name, row in grid.items():
        published, measured = [name], [""]
        for head in heads:
            cell = row.get(head)
            published.append(formatting.printed(cell.published) if cell else "")
            mark = MARKS.get(cell.verdict, "") if cell else ""
            measured.append(formatting.spread(cell.measured, cell.spread) + mark if cell else "")
        lines += [published, measured]
    return pd.DataFrame(lines, columns=["", *heads])


def _tabular(table: pd.DataFrame) -> str:
    table = table.map(formatting.latex_escape).rename(columns=formatting.latex_escape)
    return table.to_latex(index=False, escape=False, column_format="l" + "r" * (len(table.columns) - 1)).rstrip()


def _asset(name: str) -> Markup:
    """A file of ours, put into the page as it stands."""
    return Markup(files("vtryon.report.render").joinpath("templates", name).read_text(encoding="utf-8"))


def _safe(chart: tuple[str, str]) -> tuple[str, Markup]:
    """(caption, SVG): the element was serialised from a tree, so its text is escaped already."""
    return chart[0], Markup(chart[1])
