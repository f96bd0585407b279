"""Figures F1 to F4: damage by block and share as heat maps and curves, and the try-ons as the published strips."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vtryon.report.figures.figure import DASHES, MARKERS, SERIES, heat_map, sheet
from vtryon.report.figures.labels import label_ends
from vtryon.report.figures.strips import picture_sheet
from vtryon.utils.atomic import atomic_write

MEASURES = {"mse": "MSE to unpruned, 8-bit", "ssim": "SSIM to unpruned", "fd_efficientnet": "Fréchet distance, effnet"}
HALVES = ("encoder", "decoder")
FIGURES = {  # of the published project
    ("structured", "encoder"): "f1",
    ("structured", "decoder"): "f2",
    ("unstructured", "encoder"): "f3",
    ("unstructured", "decoder"): "f4",
}


def draw(rows: Sequence[dict[str, str]], run: Path) -> dict[str, Any]:
    """Write RUN/figures/heat_*.png, curves_*.png and f1 to f4 (strips); returns findings for the run's row."""
    damage = pd.DataFrame(rows).astype({"share": float} | dict.fromkeys(MEASURES, float))
    folder = run / "figures"
    for kind, lines in damage.groupby("kind", sort=False):
        _draw_heat(lines, folder / f"heat_{kind}.png")
        _draw_curves(lines, folder / f"curves_{kind}.png")
        for choice, chosen in lines.groupby("choice", sort=False):
            pictures = run / "blocks" / f"{kind}-{choice}"
            for half in HALVES:
                blocks = [name for name in chosen["block"].unique() if name.startswith(half)]
                path = folder / f"{FIGURES[kind, half]}_{kind}_{half}_{choice}.jpg"
                _write_strip(pictures, blocks, list(chosen["share"].unique()), path)
    return _findings(damage)


def _findings(damage: pd.DataFrame) -> dict[str, Any]:
    """The single blocks whose complete removal does most and least damage."""
    removed = damage[damage["block"].str[-1].str.isdigit() & (damage["share"] == 1)]
    if removed.empty:
        return {}
    errors = removed.drop_duplicates("block", keep="last").set_index("block")["mse"]
    worst, mildest = errors.idxmax(), errors.idxmin()
    return {
        **{"worst_block": worst, "its_mse": float(errors[worst])},
        **{"mildest_block": mildest, "mildest_mse": float(errors[mildest])},
    }


def _draw_heat(lines: pd.DataFrame, path: Path) -> None:
    """A panel for each choice of channels and each measure: block by share."""
    choices = lines["choice"].unique()
    with sheet(path, len(choices), len(MEASURES), (11, 3.6 * len(choices))) as axes:
        for panels, choice in zip(axes, choices, strict=True):
            for panel, (measure, title) in zip(panels, MEASURES.items(), strict=True):
                table = lines[lines["choice"] == choice].pivot_table(measure, "block", "share", sort=False)
                colours = {"cmap": "viridis"} if measure == "ssim" else {"cmap": "viridis_r", "norm": "symlog"}
                heat_map(panel, table, [f"{share:.0%}" for share in table], **colours)
                panel.set_title(f"{title}\n{choice}", fontsize=8)


def _draw_curves(lines: pd.DataFrame, path: Path) -> None:
    """A panel for each choice, half of the network and measure; a line a block, whose name stands at its end."""
    rows = [(choice, half) for choice in lines["choice"].unique() for half in HALVES]
    named = []
    with sheet(path, len(rows), len(MEASURES), (11, 2.4 * len(rows))) as axes:
        for panels, (choice, half) in zip(axes, rows, strict=True):
            chosen = lines[(lines["choice"] == choice) & lines["block"].str.startswith(half)]
            for panel, (measure, title) in zip(panels, MEASURES.items(), strict=True):
                table = chosen.pivot_table(measure, "share", "block", sort=False)
                for number, block in enumerate(table):
                    style = {"color": SERIES[number % len(SERIES)], "marker": MARKERS[number % len(MARKERS)]}
                    panel.plot(table.index, table[block], DASHES[number % len(DASHES)], markersize=3, lw=1, **style)
                if measure != "ssim":
                    panel.set_yscale("symlog", linthresh=1)  # what does little is told apart too
                    panel.set_ylim(bottom=0)
                    panel.yaxis.set_major_formatter("{x:g}")
                panel.set_title(f"{title}, {choice}", fontsize=8)
                panel.set_xlabel("share removed", fontsize=7)
                panel.tick_params(labelsize=7)
                panel.grid(visible=True, alpha=0.3)
                named.append((panel, list(table)))
        axes[0][0].figure.draw_without_rendering()
        for panel, names in named:
            label_ends(panel, names, size=7)


def _write_strip(pictures: Path, blocks: Sequence[str], shares: Sequence[float], path: Path) -> None:
    """A row a block, a column a share: the try-on of the first pair."""
    files = [[pictures / block / f"{share:g}.png" for share in shares] for block in blocks]
    with atomic_write(path) as temporary:
        picture_sheet(files, [f"{share:.0%}" for share in shares], blocks).save(temporary, quality=88)
