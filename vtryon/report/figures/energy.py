"""Figure F14: the quality of a network against the try-ons that an energy budget buys, from the rows of runs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from vtryon.deploy.energy import BUDGET_WH, ESTIMATED, MEASURED, Figure, estimated_latency, inferences, machine
from vtryon.report.figures.figure import sheet
from vtryon.report.tables.rows import Row, label, read_rows, run_folders, same_protocol, value
from vtryon.utils.atomic import atomic_write

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

    def inferences(self, budget_wh: float) -> float:
        """The number of try-ons that a budget of watt-hours buys."""
        return inferences(self.latency.value, self.power.value, budget_wh)


def points(paths: Sequence[str | Path], profiles: Sequence[str], power_profile: str) -> tuple[list[Point], list[str]]:
    """A point for each row and profile, and for each measurement in a run's folder; and a note for each row without.

    Args:
        paths: folders of runs, or of folders of runs.
        profiles: names of machines whose latency and power are estimated.
        power_profile: the machine whose watts a measurement takes that has none of its own.
    """
    rows, folders = read_rows(*paths), run_folders(*paths)
    drawn, notes = [], []
    for row, folder, comparable in zip(rows, folders, same_protocol(rows), strict=True):
        ssim, gmacs = value(row, "scores", SCORE), value(row, "cost", "gmacs")
        if ssim is None or gmacs is None:
            notes.append(f"{label(row)}: left out, its row has no {SCORE} or no cost of a network")
            continue
        machines = [_estimated(row, name) for name in profiles]
        machines += [_measured(content, power_profile) for content in measurements(folder)]
        for name, latency, power in machines:
            drawn.append(Point(label(row), name, ssim, latency, power, gmacs, comparable))
    return drawn, notes


def measurements(folder: Path) -> list[dict[str, Any]]:
    """The measurements of boards' runners, or of `vtryon energy --measure`, in a run's folder, by file name."""
    contents = [_object(file) for file in sorted(folder.glob("*.json"))]
    return [content for content in contents if content.get("format") == FORMAT]


def _object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON ({error}); remove it or measure again") from error
    return content if isinstance(content, dict) else {}


def _estimated(row: Row, profile: str) -> tuple[str, Figure, Figure]:
    board = machine(profile)
    seconds = estimated_latency(board, row["cost"]["gmacs"], row["cost"]["params_m"])
    return profile, Figure(seconds, ESTIMATED), Figure(board.watts, ESTIMATED)


def _measured(content: dict[str, Any], power_profile: str) -> tuple[str, Figure, Figure]:
    watts = content.get("power_w")
    power = Figure(machine(power_profile).watts, ESTIMATED) if watts is None else Figure(watts, MEASURED)
    name = f"{content['machine']}, {content['backend']}, {content['precision']}"
    return name, Figure(content["latency_ms"]["median"] / 1e3, MEASURED), power


def write_points(points: Sequence[Point], path: Path, budget_wh: float = BUDGET_WH) -> None:
    """Write a CSV of one line a point; every figure stands beside its basis."""
    lines = []
    for point in points:
        line = {"run": point.run, "machine": point.machine, "ssim": f"{point.ssim:.4f}"}
        line |= {"same_protocol": point.same_protocol, "gmacs": f"{point.gmacs:.4g}"}
        line |= {"latency_s": f"{point.latency.value:.4g}", "latency_basis": point.latency.basis}
        line |= {"power_w": f"{point.power.value:.4g}", "power_basis": point.power.basis}
        line |= {"budget_wh": f"{budget_wh:g}", "inferences": f"{point.inferences(budget_wh):.4g}"}
        lines.append(line | {"basis": point.basis})
    with atomic_write(path) as temporary:
        pd.DataFrame(lines).to_csv(temporary, index=False, lineterminator="\r\n")


def draw(points: Sequence[Point], path: Path, budget_wh: float = BUDGET_WH) -> None:
    """Write a picture: one colour a machine, filled where measured, hollow where estimated."""
    machines = list(dict.fromkeys(point.machine for point in points))
    labelled = set()
    with sheet(path) as ((axes,),):
        axes.set(xscale="log", xlabel=f"try-ons with {budget_wh:g} Wh", ylabel="SSIM, paired")
        for point in points:
            colour = f"C{machines.index(point.machine)}"
            face = colour if point.basis == MEASURED else "none"
            name = f"{point.machine} ({point.basis})"
            legend = None if name in labelled else name
            labelled.add(name)
            position = (point.inferences(budget_wh), point.ssim)
            axes.scatter(*position, label=legend, edgecolors=colour, facecolors=face)
            text = point.run if point.same_protocol else f"{point.run} *"
            axes.annotate(text, position, xytext=(5, 5), textcoords="offset points", fontsize=8)
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.margins(0.12)
        axes.legend(fontsize=8)
