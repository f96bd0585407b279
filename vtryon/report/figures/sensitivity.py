"""Figures of an analysis: RUN/sensitivity.csv as heat maps, curves, bars and strips, in RUN/figures."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtryon.report.figures import sensitivity_blocks, sensitivity_filters, sensitivity_screened, sensitivity_widths
from vtryon.report.figures.figure import sheet

Rows = Sequence[dict[str, str]]
INT8_MEASURES = {"mse": "MSE to float, 8-bit", "ssim": "1 - SSIM to float", "epe": "flow error, px"}


def draw(run: Path, kind: str) -> dict[str, Any]:
    """Draw the results of an analysis of this kind, one of `KINDS`, in the folder of its run.

    Returns findings for the run's row.
    """
    with (run / "sensitivity.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return KINDS[kind](rows, run)


def draw_int8(rows: Rows, run: Path) -> dict[str, Any]:
    """Write RUN/figures/int8.png: the cost of each block as int8, in bars; returns the most expensive block."""
    names = [row["block"] for row in rows]
    findings = {}
    with sheet(run / "figures" / "int8.png", 1, len(INT8_MEASURES), (11, 0.22 * len(rows) + 1)) as axes:
        for panel, (measure, title) in zip(axes[0], INT8_MEASURES.items(), strict=True):
            costs = [_int8_cost(row, measure) for row in rows]
            panel.barh(range(len(rows)), costs, color="#4c78a8")
            panel.set_yticks(range(len(rows)), names if measure == "mse" else [""] * len(rows), fontsize=7)
            panel.invert_yaxis()
            panel.set_title(title, fontsize=8)
            panel.tick_params(axis="x", labelsize=7)
            panel.grid(visible=True, axis="x", alpha=0.3)
            findings[f"worst_by_{measure}"] = names[costs.index(max(costs))]
    return findings


def _int8_cost(row: dict[str, str], measure: str) -> float:
    value = float(row[measure])
    return 1 - value if measure == "ssim" else value


KINDS = {
    "blocks": sensitivity_blocks.draw,
    "filters": sensitivity_filters.draw,
    "filters_screened": sensitivity_screened.draw,
    "int8": draw_int8,
    "widths": sensitivity_widths.draw,
}
