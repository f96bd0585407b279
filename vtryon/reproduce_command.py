"""The verb `vtryon reproduce`: from a command line to tables, a page and an exit code."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from vtryon.report.cells import failures
from vtryon.report.outputs import write_all
from vtryon.report.papers import choose
from vtryon.report.reproduction import Reproduction, reproduction
from vtryon.report.written import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    runs = Path(os.environ.get("VTRYON_RUNS", "runs"))
    parser.add_argument(
        "words",
        nargs="*",
        metavar="key=value",
        help="paper=a16|jetson, table=1,2, figure=f1,f7 (all of both); profile=demo|full; config keys for all runs",
    )
    parser.add_argument("--runs", type=Path, default=runs, help="folder of all runs (%(default)s)")
    parser.add_argument("--out", type=Path, help="folder of the tables and the page (RUNS/reproduction)")
    parser.add_argument("--report-only", action="store_true", help="run nothing, report what is there")
    parser.add_argument("--experiments", type=Path, default=experiments_dir(), help="paper.csv and committed rows")


def main(args: argparse.Namespace) -> int:
    """0; 1 where a deterministic cell is off or a run failed, 2 where the command line is wrong."""
    from vtryon.reproduce import Asked, folder_of, run_missing, use_runs  # here, so that help is instant

    start = time.monotonic()
    try:
        asked = Asked.of(args.words)
        exhibits = choose(asked.exhibits)
        runs = args.runs.absolute()
        use_runs(runs)
        failed = {} if args.report_only else run_missing(asked, exhibits, runs)
    except ValueError as error:  # a ConfigError is one
        print(f"vtryon reproduce: {error}", file=sys.stderr)
        return 2
    chain = runs / asked.profile
    place = cache(partial(folder_of, asked))
    found = [reproduction(one, place, chain, args.experiments) for one in exhibits]
    out = args.out or runs / "reproduction"
    write_all(found, chain, args.experiments, out)
    _tell(found, failed, out, time.monotonic() - start)
    return int(bool(failed) or any(failures(one.cells) for one in found))


def experiments_dir() -> Path:
    """experiments/: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    return next(
        (f for f in (package / "experiments", package.parent / "experiments") if f.is_dir()), Path("experiments")
    )


def _tell(found: Sequence[Reproduction], failed: dict[str, str], out: Path, seconds: float) -> None:
    console = Console()
    table = Table("exhibit", "cells", "trends", "rows", box=SIMPLE_HEAD)
    for one in found:
        held = f"{sum(trend.holds for trend in one.trends)} of {len(one.trends)}" if one.trends else "-"
        table.add_row(one.exhibit.title, counted(one.cells) or "-", held, str(len(one.lines)))
    console.print(table)
    for cell in (cell for one in found for cell in failures(one.cells)):
        console.print(
            f"{cell.verdict}: {cell.exhibit}, row {cell.row}, {cell.column}: {cell.measured:.6g}, {cell.note}",
            style="red",
        )
    for name, reason in failed.items():
        console.print(f"{name}: {reason}", style="red")
    for line in (line for one in found for line in one.missing):
        console.print(f"not available here: {line}", style="dim")
    console.print(f"{seconds:.0f} s; {out}/index.html, tables.md, tables.tex, cells.csv, and all rows below")
