"""Figure F14: how good a network is against how many try-ons an energy budget buys, from the rows of runs."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vtryon.deploy.energy import BUDGET_WH, ESTIMATED, MEASURED, Figure, estimated_latency, inferences, machine
from vtryon.nn.atomic import atomic_write
from vtryon.report.figure import sheet
from vtryon.report.rows import Row, label, read_rows, run_folders, same_protocol, value

FORMAT = "vtryon measurement 1"  # of the JSON that a board's runner leaves
SCORE = "paired/ssim"


class Point(NamedTuple):
    """One network on one machine."""

    run: str
    machine: str
    ssim: float
    latency: Figure  # seconds an inference
    power: Figure  # watts
    gmacs: float
    same_protocol: bool  # judged as the first row was

    @property
    def basis(self) -> str:
        """Measured where latency and power both are."""
        return MEASURED if self.latency.basis == self.power.basis == MEASURED else ESTIMATED


def points(places: Sequence[str | Path], profiles: Sequence[str], power_profile: str) -> tuple[list[Point], list[str]]:
    """A point for each row and profile, and for each measurement in a run's folder; and who has none, and why.

    Args:
        places: folders of runs, or of folders of runs.
        profiles: names of machines whose latency and power are estimated.
        power_profile: whose watts a measurement takes that has none of its own.
    """
    rows, folders = read_rows(*places), run_folders(*places)
    found, notes = [], []
    for row, folder, same in zip(rows, folders, same_protocol(rows), strict=True):
        if value(row, "scores", SCORE) is None or value(row, "cost", "gmacs") is None:
            notes.append(f"{label(row)}: left out, its row has no {SCORE} or no cost of a network")
            continue
        machines = [_estimated(row, name) for name in profiles]
        machines += [_measured(one, power_profile) for one in measurements(folder)]
        found += [_point(row, same, *one) for one in machines]
    return found, notes


def measurements(folder: Path) -> list[dict[str, Any]]:
    """What runners on boards, or `vtryon energy --measure`, left in a run's folder, by file name."""
    found = [_object(file) for file in sorted(folder.glob("*.json"))]
    return [content for content in found if content.get("format") == FORMAT]


def _object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON ({error}); remove it or measure again") from error
    return content if isinstance(content, dict) else {}


def _estimated(row: Row, profile: str) -> tuple[str, Figure, Figure]:
    on = machine(profile)
    seconds = estimated_latency(on, row["cost"]["gmacs"], row["cost"]["params_m"])
    return profile, Figure(seconds, ESTIMATED), Figure(on.watts, ESTIMATED)


def _measured(content: dict[str, Any], power_profile: str) -> tuple[str, Figure, Figure]:
    watts = content.get("power_w")
    power = Figure(machine(power_profile).watts, ESTIMATED) if watts is None else Figure(watts, MEASURED)
    name = f"{content['machine']}, {content['backend']}, {content['precision']}"
    return name, Figure(content["latency_ms"]["median"] / 1e3, MEASURED), power


def _point(row: Row, same: bool, name: str, latency: Figure, power: Figure) -> Point:
    return Point(label(row), name, row["scores"][SCORE], latency, power, row["cost"]["gmacs"], same)


def write_points(found: Sequence[Point], path: Path, budget_wh: float = BUDGET_WH) -> None:
    """One line a point; every figure stands beside its basis."""
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                *("run", "machine", "ssim", "same_protocol", "gmacs", "latency_s", "latency_basis"),
                *("power_w", "power_basis", "budget_wh", "inferences", "basis"),
            ]
        )
        for point in found:
            number = inferences(point.latency.value, point.power.value, budget_wh)
            writer.writerow(
                [
                    *(point.run, point.machine, f"{point.ssim:.4f}", point.same_protocol, f"{point.gmacs:.4g}"),
                    *(f"{point.latency.value:.4g}", point.latency.basis, f"{point.power.value:.4g}"),
                    *(point.power.basis, f"{budget_wh:g}", f"{number:.4g}", point.basis),
                ]
            )


def draw(found: Sequence[Point], path: Path, budget_wh: float = BUDGET_WH) -> None:
    """A picture (by the suffix of `path`): one colour a machine; filled where measured, hollow where estimated."""
    with sheet(path) as ((axes,),):
        axes.set(xscale="log", xlabel=f"try-ons with {budget_wh:g} Wh", ylabel="SSIM, paired")
        for number, name in enumerate(dict.fromkeys(point.machine for point in found)):
            for basis in (MEASURED, ESTIMATED):
                some = [point for point in found if point.machine == name and point.basis == basis]
                if some:
                    _scatter(axes, some, f"{name} ({basis})", f"C{number}", basis, budget_wh)
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.margins(0.12)
        axes.legend(fontsize=8)


def _scatter(axes: Any, some: Sequence[Point], name: str, colour: str, basis: str, budget_wh: float) -> None:
    across = [inferences(point.latency.value, point.power.value, budget_wh) for point in some]
    face = colour if basis == MEASURED else "none"
    axes.scatter(across, [point.ssim for point in some], label=name, edgecolors=colour, facecolors=face)
    for x, point in zip(across, some, strict=True):
        text = point.run if point.same_protocol else f"{point.run} *"
        axes.annotate(text, (x, point.ssim), xytext=(5, 5), textcoords="offset points", fontsize=8)
