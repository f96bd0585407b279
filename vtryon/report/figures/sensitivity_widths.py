"""The networks of a supernet: quality against work, and the best one for each of several budgets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vtryon.report.figures.figure import sheet
from vtryon.utils.atomic import atomic_write

BUDGETS = (1, 2, 5, 10, 20, 50)  # of milliseconds, and of MiB
MEASURES = {"mse": "MSE to the teacher, 8-bit", "fd": "Fréchet distance to photos"}


def draw(rows: Sequence[dict[str, str]], run: Path) -> dict[str, Any]:
    """Write RUN/figures: front.png, and budgets.csv, the best network for each budget; returns findings.

    Args:
        rows: of sensitivity.csv, every network judged.
        run: its folder, with the best of them in front.csv.
    """
    from matplotlib.ticker import LogLocator, NullFormatter  # slow to import, for pictures alone

    judged = pd.DataFrame(rows).astype({"gmacs": float, **dict.fromkeys(MEASURES, float)})
    best = pd.read_csv(run / "front.csv")
    with sheet(run / "figures" / "front.png", 1, 2, (9, 3.6)) as axes:
        for panel, (measure, title) in zip(axes[0], MEASURES.items(), strict=True):
            panel.scatter(judged["gmacs"], judged[measure], s=8, color="#b8c4ce", label=f"{len(judged)} networks")
            panel.plot(best["gmacs"], best[measure], "o-", ms=4, lw=1, color="#d95f02", label=f"front, {len(best)}")
            panel.set_xscale("log")
            panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.xaxis.set_major_formatter("{x:g}")
            panel.xaxis.set_minor_formatter(NullFormatter())
            panel.set_xlabel("GMACs", fontsize=8)
            panel.set_title(title, fontsize=8)
            panel.tick_params(labelsize=7)
            panel.grid(visible=True, alpha=0.3)
            panel.legend(fontsize=7)
    table = for_budgets(best)
    with atomic_write(run / "figures" / "budgets.csv") as temporary:
        table.to_csv(temporary, index=False, lineterminator="\r\n")
    return {"within_5_ms": _widths(table, "ms", 5), "within_1_mib": _widths(table, "mib", 1)}


def for_budgets(best: pd.DataFrame) -> pd.DataFrame:
    """The last network of the front, which is the best, that keeps each budget; budgets below all of them have none."""
    lines = []
    for unit in ("ms", "mib"):
        for budget in BUDGETS:
            within = best[best[unit] <= budget]
            network = within.iloc[-1].to_dict() if len(within) else {}
            lines.append({"budget": budget, "unit": unit, **{name: network.get(name) for name in best.columns}})
    return pd.DataFrame(lines)


def _widths(table: pd.DataFrame, unit: str, budget: int) -> str | None:
    widths = table[(table["unit"] == unit) & (table["budget"] == budget)]["widths"].iloc[0]
    return None if pd.isna(widths) else widths
