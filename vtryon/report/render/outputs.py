"""Write reports to a folder: the page, Markdown, LaTeX, CSV of cells and rows, strips of try-ons."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from vtryon.report.figures.strips import splits, write_strip
from vtryon.report.render.documents import latex, markdown, page
from vtryon.report.tables.cells import write_cells
from vtryon.report.tables.measured import ADDED
from vtryon.report.tables.pareto import with_front
from vtryon.report.tables.reproduction import Reproduction, report_of
from vtryon.report.tables.rows import label, read_rows, run_folders, with_seeds, write_csv
from vtryon.utils.atomic import atomic_write

log = logging.getLogger(__name__)
RUNS_TITLE = "Measured runs"
RUNS_INTRODUCTION = (
    "Rows of finished runs; rows of two protocols stand in two tables. Every row leads to a copy of its run's "
    "row.json, kept beside this page."
)


def write_all(reports: Sequence[Reproduction], chain: Path, experiments: Path, out: Path) -> None:
    """Write OUT/index.html, tables.md, tables.tex, cells.csv, and FOLDER/RECIPE_PROFILE.csv of all rows."""
    _write(out / "index.html", page(reports, chain, experiments, out))
    _write(out / "tables.md", markdown(reports))
    _write(out / "tables.tex", latex(reports))
    write_cells([cell for report in reports for cell in report.cells], out / "cells.csv")
    for report in reports:
        for key, rows in report.rows.items():
            if len(rows):
                file = out / report.exhibit.folder / f"{key.replace('@', '_')}.csv"
                write_csv(rows.drop(columns=ADDED), file)


def write_runs(paths: Sequence[Path], out: Path) -> None:
    """Write the same for any runs: OUT/index.html, tables.md, tables.tex, measured.csv and strip_SPLIT.png.

    The page links to copies of the rows, OUT/rows/RUN.json, so that OUT can be moved, zipped and sent without the runs.

    Args:
        paths: folders of runs, or of folders of runs.

    Raises:
        FileNotFoundError: a place holds no row.
    """
    rows, folders = with_front(read_rows(*paths)), run_folders(*paths)
    write_csv(rows, out / "measured.csv")
    reports = report_of(paths)
    copies = _copy_rows(folders, out)
    _write(out / "index.html", page(reports, None, None, out, RUNS_TITLE, RUNS_INTRODUCTION, copies))
    _write(out / "tables.md", markdown(reports, RUNS_TITLE))
    _write(out / "tables.tex", latex(reports))
    names = with_seeds([label(row) for row in rows], [row.get("seed") for row in rows])
    runs = [(name, run) for name, run in zip(names, folders, strict=True) if (run / "pictures").is_dir()]
    for split in splits([folder for _, folder in runs]):
        try:
            write_strip(runs, split, out / f"strip_{split}.png")
        except ValueError as error:  # the other strips are drawn all the same
            log.warning("no strip_%s.png: %s", split, error)


def _copy_rows(folders: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Copy the row of each run to OUT/rows, under a name that no reader of runs takes for one; folder -> copy."""
    shared = Path(os.path.commonpath([folder.absolute().parent for folder in folders]))
    copies = {}
    for folder in folders:
        name = "_".join(folder.absolute().relative_to(shared).parts)
        while out / "rows" / f"{name}.json" in copies.values():  # a/b_c and a_b/c
            name += "_"
        copies[folder] = out / "rows" / f"{name}.json"
        _write(copies[folder], (folder / "row.json").read_text(encoding="utf-8"))
    return copies


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
