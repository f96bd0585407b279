"""`vtryon reproduce`: from a command line to tables, a page and an exit code."""

import os
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

RUNS = 100  # of each form of the correlation
NANO = ("jetson_nano_10w", "jetson_nano_5w")


def reproduce(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="paper=a16|jetson, table=1,2, figure=f1,f7 (all of both); profile=demo|small|full; keys for all runs.",
        ),
    ] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of all runs. Default: VTRYON_RUNS, or runs.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of tables and page. Default: RUNS/reproduction.")] = None,
    report_only: Annotated[bool, typer.Option("--report-only", help="Run nothing, report what is there.")] = False,
    experiments: Annotated[Path | None, typer.Option(help="Folder with paper.csv and committed rows.")] = None,
) -> int:
    """Redo the published tables and figures.

    What is missing is run, then compared.

    Exit code 1 where a deterministic cell is off or a run failed.
    """
    from vtryon.cli.run import app
    from vtryon.report.papers.catalogue import choose
    from vtryon.report.render.outputs import write_all
    from vtryon.report.tables.cells import failures
    from vtryon.report.tables.reproduction import reproductions
    from vtryon.runs.reproduce import Reproducer, Request, use_runs

    begin = time.monotonic()
    request = Request.parse(arguments or [])
    exhibits = choose(request.exhibits)
    folder = (runs or Path(os.environ.get("VTRYON_RUNS", "runs"))).absolute()
    use_runs(folder)
    commands = {"correlation": _measure_correlation, "energy": _draw_energy}
    reproducer = Reproducer(request, folder, app, commands, after_stages=["energy"])
    failed = {} if report_only else reproducer.run_missing(exhibits)
    chain, published = folder / request.profile, experiments or experiments_dir()
    folder_of = cache(reproducer.folder_of)
    results = [result for exhibit in exhibits for result in reproductions(exhibit, folder_of, chain, published)]
    target = out or folder / "reproduction"
    write_all(results, chain, published, target)
    _print(results, failed, target, time.monotonic() - begin)
    return int(bool(failed) or any(failures(result.cells) for result in results))


def experiments_dir() -> Path:
    """experiments/: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "experiments", package.parent / "experiments"):
        if folder.is_dir():
            return folder
    return Path("experiments")


def _measure_correlation(runs: Path, profile: str) -> None:
    """What `vtryon bench correlation` measures, in RUNS/t5_img2col; times are not measured twice."""
    from vtryon.bench.correlation import main as correlation

    file = runs / "t5_img2col" / "measured.csv"
    if not file.is_file():
        correlation(RUNS, file)


def _draw_energy(runs: Path, profile: str) -> None:
    """What `vtryon energy` makes of the stages' runs, in RUNS/f14_energy."""
    from vtryon.report.figures.energy import draw, points, write_points

    folders = [runs / profile / name for name in ("student", "distill")]
    folders = [folder for folder in folders if (folder / "row.json").is_file()]
    if folders:
        shown, _ = points(folders, NANO, "laptop_15w")
        write_points(shown, runs / "f14_energy" / "measured.csv")
        draw(shown, runs / "f14_energy" / "energy.png")


def _print(results: Sequence, failed: dict[str, str], out: Path, seconds: float) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from vtryon.report.render.formatting import counted
    from vtryon.report.tables.cells import failures

    console = Console()
    table = Table("exhibit", "cells", "trends", "rows", box=SIMPLE_HEAD)
    for result in results:
        trends = f"{sum(trend.holds for trend in result.trends)} of {len(result.trends)}" if result.trends else "-"
        table.add_row(result.exhibit.title, counted(result.cells) or "-", trends, str(len(result.lines)))
    console.print(table)
    for result in results:
        for cell in failures(result.cells):
            numbers = f"{cell.column}: {cell.measured:.6g}, {cell.note}"
            console.print(f"{cell.verdict}: {cell.exhibit}, row {cell.row}, {numbers}", style="red")
    for name, reason in failed.items():
        console.print(f"{name}: {reason}", style="red")
    for result in results:
        for line in result.missing:
            console.print(f"not available here: {line}", style="dim")
    console.print(f"{seconds:.0f} s; {out}/index.html, tables.md, tables.tex, cells.csv, and all rows below")
