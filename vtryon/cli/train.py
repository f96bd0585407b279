"""`vtryon train` and `vtryon demo`: all stages of a profile in order, each skipped when it is done."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from vtryon.cli.completion import complete_word

SHOWN = ("paste", "untrained", "student", "distill")


def train(
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="profile=demo|small|full, data.root=DIR, and keys for all stages.",
            autocompletion=complete_word,
        ),
    ] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of the runs. Default: runs/PROFILE.")] = None,
) -> None:
    """Train all stages of a profile in order.

    They are those that `chain:` lists in conf/profile, from the first tutor on.

    The same command again skips what is done, and goes on with what was cut short.
    """
    from rich.console import Console

    from vtryon.report.render.terminal import table
    from vtryon.report.tables.rows import write_csv
    from vtryon.runs.pipeline import chain_of, pipeline

    overrides = overrides or []
    stages, folder = chain_of(overrides)
    folder = runs or folder
    rows = pipeline(stages, folder, overrides)
    Console().print(table(rows))
    write_csv(rows, folder / "measured.csv")


def demo(
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="For all runs.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of the runs. Default: runs/demo, or runs/quick.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="In a fifth of the steps; old sleeves shine through.")] = False,
) -> None:
    """Train all on drawn people, in minutes.

    Tutor, student and a distilled student on embedded data, from an empty folder to a table, a strip of try-ons and a
    page of all of it.
    """
    from rich.console import Console

    from vtryon.report.render.outputs import write_runs
    from vtryon.report.render.terminal import table
    from vtryon.report.tables.rows import write_csv
    from vtryon.runs.pipeline import chain_of, pipeline
    from vtryon.utils.atomic import atomic_write

    overrides = ["profile=quick" if quick else "profile=demo", *(overrides or [])]
    stages, folder = chain_of(overrides)
    runs = runs or folder  # below VTRYON_RUNS, where later runs look for the stages
    rows = pipeline(stages, runs, overrides)
    console = Console()
    console.rule("[bold]what was measured[/]", align="left")
    console.print(table([row for row in rows if row["name"] in SHOWN]))
    write_csv(rows, runs / "measured.csv")
    strip = runs / "try_on.png"
    with atomic_write(strip) as temporary:
        shutil.copyfile(runs / "distill" / "panels" / "unpaired_test.png", temporary)
    write_runs([runs], runs / "report")
    console.print(f"the try-ons: {strip}\nthe rows: {runs}/measured.csv, whole in {runs}/*/row.json")
    console.print(f"the page: {runs}/report/index.html")
