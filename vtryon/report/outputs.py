"""Write reproductions to a folder: the page, Markdown, LaTeX, CSV of the cells and of all rows."""

from collections.abc import Sequence
from pathlib import Path

from vtryon.nn.atomic import atomic_write
from vtryon.report.cells import write_cells
from vtryon.report.latex import latex
from vtryon.report.markdown import markdown
from vtryon.report.page import page
from vtryon.report.reproduction import Reproduction
from vtryon.report.rows import write_csv


def write_all(found: Sequence[Reproduction], chain: Path, experiments: Path, out: Path) -> None:
    """OUT/index.html, tables.md, tables.tex, cells.csv, and FOLDER/RECIPE_PROFILE.csv of all rows."""
    _write(out / "index.html", page(found, chain, experiments))
    _write(out / "tables.md", markdown(found))
    _write(out / "tables.tex", latex(found))
    write_cells([cell for one in found for cell in one.cells], out / "cells.csv")
    for one in found:
        for key, rows in one.rows.items():
            if rows and key != "baseline":
                write_csv([of.row for of in rows], out / one.exhibit.folder / f"{key.replace('@', '_')}.csv")


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
