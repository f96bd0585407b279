"""What each block costs as int8, as bars: MSE, SSIM and the flow's end-point error against the float network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtryon.report.figure import sheet

Rows = Sequence[dict[str, str]]
MEASURES = {"mse": "MSE to float, 8-bit", "ssim": "1 - SSIM to float", "epe": "flow error, px"}


def draw(rows: Rows, run: Path) -> dict[str, Any]:
    """Write RUN/figures/int8.png; returns which block costs most."""
    names = [row["block"] for row in rows]
    with sheet(run / "figures" / "int8.png", 1, len(MEASURES), (11, 0.22 * len(rows) + 1)) as axes:
        for panel, (measure, title) in zip(axes[0], MEASURES.items(), strict=True):
            panel.barh(range(len(rows)), [_cost(row, measure) for row in rows], color="#4c78a8")
            panel.set_yticks(range(len(rows)), names if measure == "mse" else [""] * len(rows), fontsize=7)
            panel.invert_yaxis()
            panel.set_title(title, fontsize=8)
            panel.tick_params(axis="x", labelsize=7)
            panel.grid(visible=True, axis="x", alpha=0.3)
    worst = {measure: max(rows, key=lambda row: _cost(row, measure))["block"] for measure in MEASURES}
    return {f"worst_by_{measure}": block for measure, block in worst.items()}


def _cost(row: dict[str, str], measure: str) -> float:
    value = float(row[measure])
    return 1 - value if measure == "ssim" else value
