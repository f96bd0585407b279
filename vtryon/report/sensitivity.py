"""Figures of an analysis: RUN/sensitivity.csv as heat maps, curves and strips, in RUN/figures."""

import csv
from pathlib import Path
from typing import Any

from vtryon.report import sensitivity_blocks, sensitivity_filters, sensitivity_int8

DRAWN = {"blocks": sensitivity_blocks.draw, "filters": sensitivity_filters.draw, "int8": sensitivity_int8.draw}


def draw(run: Path, kind: str) -> dict[str, Any]:
    """Draw what an analysis of this kind ("blocks", "filters" or "int8") left in the folder of its run.

    Returns what there is to say in a run's row.
    """
    with (run / "sensitivity.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return DRAWN[kind](rows, run)
