"""Estimated and measured damage of filters: a scatter of those that were measured, and all filters ranked as CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vtryon.report.figures.figure import sheet
from vtryon.utils.atomic import atomic_write

KEY = ["layer", "filter"]


def draw(rows: Sequence[dict[str, str]], run: Path) -> dict[str, Any]:
    """Write RUN/figures: screening.png, and filters.csv with the highest estimate first; returns findings for the row.

    Args:
        rows: of sensitivity.csv, the measured filters.
        run: its folder, with the estimates of all filters in screening.csv.
    """
    measured = pd.DataFrame(rows).astype({"filter": int, "mse": float, "ssim": float, "drift_px": float})
    measured = measured.groupby(KEY, sort=False)[["mse", "ssim", "drift_px"]].mean().reset_index()
    estimated = pd.read_csv(run / "screening.csv").groupby(KEY, sort=False)["estimated_mse"].mean().reset_index()
    table = estimated.merge(measured, on=KEY, how="left").sort_values("estimated_mse", ascending=False, kind="stable")
    with atomic_write(run / "figures" / "filters.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\r\n")
    both = table.dropna()
    with sheet(run / "figures" / "screening.png", size=(4.5, 3.6)) as ((axes,),):
        axes.scatter(both["estimated_mse"], both["mse"], s=12, color="#4c78a8")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("estimated MSE, 8-bit", fontsize=8)
        axes.set_ylabel("measured MSE, 8-bit", fontsize=8)
        axes.grid(visible=True, alpha=0.3)
    worst = both.sort_values("mse", ascending=False, kind="stable").head(5)
    return {"key_players": [f"{name}:{number}" for name, number in zip(worst["layer"], worst["filter"], strict=True)]}
