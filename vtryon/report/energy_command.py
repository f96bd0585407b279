"""`vtryon energy`: SSIM against the number of try-ons under an energy budget, as CSV and as a picture (F14)."""

import argparse
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from vtryon.deploy.energy import BUDGET_WH, MACHINES, inferences
from vtryon.report.energy import Point, draw, points, write_points


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    names = ", ".join(MACHINES)
    parser.add_argument("--run", type=Path, nargs="+", required=True, metavar="DIR", help="folders of finished runs")
    parser.add_argument(
        "--profile",
        nargs="+",
        default=["jetson_nano_10w", "jetson_nano_5w"],
        choices=MACHINES,
        metavar="NAME",
        help=f"machines to estimate: {names} (both Jetson Nano modes)",
    )
    parser.add_argument("--measure", action="store_true", help="first measure each run's network on this machine")
    parser.add_argument(
        "--power-profile",
        default="laptop_15w",
        choices=MACHINES,
        metavar="NAME",
        help="whose watts to take where latency was measured and power could not be (%(default)s)",
    )
    parser.add_argument("--budget-wh", type=float, default=BUDGET_WH, metavar="WH", help="(%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for measured.csv and energy.png")


def main(args: argparse.Namespace) -> int:
    """Print, write and draw the points; ValueError or OSError where there is none."""
    found, notes = points(args.run, args.profile, args.power_profile)
    if not found:
        raise ValueError(f"no run of {', '.join(map(str, args.run))} can be shown: {'; '.join(notes)}")
    write_points(found, args.out / "measured.csv", args.budget_wh)
    draw(found, args.out / "energy.png", args.budget_wh)
    console = Console()
    console.print(_table(found, args.budget_wh))
    for note in notes:
        console.print(note, style="dim")
    return 0


def _table(found: list[Point], budget_wh: float) -> Table:
    wide = [Column(name, overflow="fold") for name in ("run", "machine")]
    table = Table(*wide, "SSIM", "s", "W", f"with {budget_wh:g} Wh", "basis", box=SIMPLE_HEAD)
    for point in found:
        number = inferences(point.latency.value, point.power.value, budget_wh)
        table.add_row(
            *(point.run, point.machine, f"{point.ssim:.4f}", f"{point.latency.value:.4g}"),
            *(f"{point.power.value:.3g}", f"{number:,.0f}", point.basis),
        )
    return table
