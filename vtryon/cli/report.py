"""`vtryon report` and `vtryon energy`: finished runs as tables, CSV and pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

NANO = ["jetson_nano_10w", "jetson_nano_5w"]


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or of sweeps.")],
    out: Annotated[
        Path | None, typer.Option(help="Write a page, tables, measured.csv and strip_SPLIT.png there.")
    ] = None,
    upload: Annotated[
        bool, typer.Option("--upload", help="Send offline runs, tables, workspace and reports to wandb.")
    ] = False,
    entity: Annotated[str | None, typer.Option(help="wandb's, for --upload. Default: the account's own.")] = None,
    project: Annotated[str, typer.Option(help="wandb's, for --upload.")] = "vtryon",
) -> None:
    """Show finished runs as a table.

    With --out also as a page, as CSV, and their try-ons side by side.
    """
    from vtryon.report.render.outputs import write_runs
    from vtryon.report.tables.pareto import with_front
    from vtryon.report.tables.rows import read_rows

    rows = with_front(read_rows(*runs))
    _print(rows)
    if out is not None:
        write_runs(runs, out)
    if upload:
        _upload(runs, out or runs[0] / "reproduction", entity, project)


def _print(rows: list) -> None:
    from rich.console import Console

    from vtryon.report.render.formatting import agreement
    from vtryon.report.render.terminal import WITHOUT_TRUTH, table
    from vtryon.report.tables.from_supernet import agreements
    from vtryon.report.tables.pareto import COSTS, front
    from vtryon.report.tables.rows import same_protocol, to_frame, value

    console = Console()
    console.print(table(rows))
    if any(value(row, "scores", "unpaired/garment_ssim") is not None for row in rows):
        console.print(table(rows, WITHOUT_TRUTH, "unpaired: the photo preserved, the garment shown"))
    for cost in COSTS:
        if len(rows) > 2 and (best := front(rows, cost)):
            console.print(f"front by {cost} and SSIM: {', '.join(best)}", highlight=False)
    comparable = [row for row, is_comparable in zip(rows, same_protocol(rows), strict=True) if is_comparable]
    for measured in agreements(to_frame(comparable)):
        console.print(agreement(measured), highlight=False)


def _upload(runs: list[Path], reproduction: Path, entity: str | None, project: str) -> None:
    from vtryon.cli.reproduce import experiments_dir

    try:
        from vtryon.report.wandb.upload import upload

        sent = upload(runs, experiments_dir(), reproduction, entity, project)
    except ModuleNotFoundError as error:
        raise ValueError(f'--upload needs {error.name}: pip install "vtryon[dashboards]"') from error
    print(f"{sent} runs, the workspace and a report for each table are at wandb's {project}")


def energy(
    out: Annotated[Path, typer.Option(metavar="DIR", help="For measured.csv and energy.png.")],
    run: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="Folder of finished runs; repeatable.")] = None,
    runs: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="Further folders of runs.")] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Machine to estimate; repeatable. Default: both Jetson Nano modes."),
    ] = None,
    measure: Annotated[bool, typer.Option("--measure", help="First measure each network on this machine.")] = False,
    power_profile: Annotated[
        str,
        typer.Option(metavar="NAME", help="Whose watts to take where latency was measured and power could not be."),
    ] = "laptop_15w",
    budget_wh: Annotated[float | None, typer.Option(metavar="WH", help="Default: 10.")] = None,
) -> None:
    """Show try-ons per energy budget (F14).

    SSIM against the number of try-ons that a budget buys, measured or estimated.
    """
    from rich.console import Console

    from vtryon.deploy.energy import BUDGET_WH, MACHINES
    from vtryon.report.figures.energy import draw, points, write_points

    folders, machines = [*(run or []), *(runs or [])], profile or NANO
    if not folders:
        raise ValueError("name a folder of finished runs: --run DIR")
    for name in (*machines, power_profile):
        if name not in MACHINES:
            raise ValueError(f"{name}: no such machine; there are {', '.join(MACHINES)}")
    if measure:
        from vtryon.deploy.energy_measure import measure_runs

        measure_runs(folders)
    budget = BUDGET_WH if budget_wh is None else budget_wh
    shown, notes = points(folders, machines, power_profile)
    if not shown:
        raise ValueError(f"no run of {', '.join(map(str, folders))} can be shown: {'; '.join(notes)}")
    write_points(shown, out / "measured.csv", budget)
    draw(shown, out / "energy.png", budget)
    console = Console()
    console.print(_energy_table(shown, budget))
    for note in notes:
        console.print(note, style="dim")


def _energy_table(points: list, budget_wh: float) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    from vtryon.deploy.energy import inferences

    folded = [Column(name, overflow="fold") for name in ("run", "machine")]
    table = Table(*folded, "SSIM", "s", "W", f"with {budget_wh:g} Wh", "basis", box=SIMPLE_HEAD)
    for point in points:
        number = inferences(point.latency.value, point.power.value, budget_wh)
        table.add_row(
            *(point.run, point.machine, f"{point.ssim:.4f}", f"{point.latency.value:.4g}"),
            *(f"{point.power.value:.3g}", f"{number:,.0f}", point.basis),
        )
    return table
