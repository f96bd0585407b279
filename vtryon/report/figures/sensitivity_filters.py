"""Figures F5 and F6: damage filter by filter as small multiples and heat maps, the ranking and the layers as CSV."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vtryon.report.figures.figure import sheet
from vtryon.report.figures.key_players import (
    BRANCH,
    ENCODER,
    Filter,
    averaged,
    by_layer,
    concentration,
    findings,
    ranking,
)
from vtryon.utils.atomic import atomic_write

FIGURES = {  # measure: file, title of the axis
    "mse": ("f5_mse", "MSE to unpruned, 8-bit"),
    "ssim": ("f6_ssim", "SSIM to unpruned"),
    "drift_px": ("drift", "drift of the flow, pixels"),
}
ACROSS = 5  # panels beside each other, so that each encoder of ten layers begins a line
FLAT = 0.01  # below this a logarithmic axis is linear, down to 0


def draw(rows: Sequence[dict[str, str]], run: Path) -> dict[str, Any]:
    """Write RUN/figures: panels and heat maps, filters.csv (ranked) and layers.csv; returns findings for the row."""
    folder, filters = run / "figures", averaged(rows)
    for measure, (name, title) in FIGURES.items():
        _draw_panels(filters, measure, title, folder / f"{name}.png")
        _draw_heat(filters, measure, title, folder / f"{name}_heat.png")
    _write_csv(folder / "filters.csv", ranked_filters(filters))
    _write_csv(folder / "layers.csv", pd.DataFrame([_layer(*layer) for layer in by_layer(filters).items()]))
    return findings(filters)


def ranked_filters(filters: Sequence[Filter]) -> pd.DataFrame:
    """The filters, most damaging first, each with its share of all damage."""
    lines = []
    for rank, (record, share) in enumerate(ranking(filters), 1):
        lines.append({"rank": rank, **record._asdict(), "share_of_damage": share})
    return pd.DataFrame(lines)


def _layer(name: str, filters: Sequence[Filter]) -> dict[str, Any]:
    table = pd.DataFrame(filters)
    return {
        **{"layer": name, "filters": len(table), "mean_mse": table["mse"].mean(), "max_mse": table["mse"].max()},
        **{"mean_ssim": table["ssim"].mean(), "min_ssim": table["ssim"].min()},
        **{"mean_drift_px": table["drift_px"].mean(), "share_of_worst_5_percent": concentration(filters)},
    }


def _draw_panels(filters: Sequence[Filter], measure: str, title: str, path: Path) -> None:
    """A panel a layer, all of one height, over the number of the filter that is removed."""
    layers = by_layer(filters)
    down = math.ceil(len(layers) / ACROSS)
    with sheet(path, down, ACROSS, (11, 1 + 1.3 * down)) as axes:
        panels = axes.flat
        for panel, (name, records) in zip(panels, layers.items(), strict=False):
            panel.sharey(axes[0][0])
            panel.plot([record.filter for record in records], [getattr(record, measure) for record in records], lw=0.8)
            if measure != "ssim":  # of most layers the damage is a hundredth of the worst one's
                panel.set_yscale("symlog", linthresh=FLAT)
                panel.set_ylim(bottom=0)
                panel.yaxis.set_major_formatter("{x:g}")
            panel.xaxis.get_major_locator().set_params(integer=True)
            panel.set_title(_short(name), fontsize=7)
            panel.tick_params(labelsize=6)
            panel.grid(visible=True, alpha=0.3)
        for panel in list(axes.flat)[len(layers) :]:
            panel.set_axis_off()
        axes[0][0].figure.supylabel(title, fontsize=8)
        axes[0][0].figure.supxlabel("filter removed", fontsize=8)


def _draw_heat(filters: Sequence[Filter], measure: str, title: str, path: Path) -> None:
    """A line a layer, a column a filter; white where a layer has no such filter."""
    table = pd.DataFrame(filters).pivot_table(measure, "layer", "filter", sort=False)
    table = table[sorted(table)]
    with sheet(path, size=(9, 1.2 + 0.18 * len(table))) as ((axes,),):
        colours = {"cmap": "viridis"} if measure == "ssim" else {"cmap": "viridis_r", "norm": _norm(table)}
        image = axes.imshow(table.to_numpy(), aspect="auto", interpolation="nearest", **colours)
        axes.set_yticks(range(len(table)), map(_short, table.index), fontsize=6)
        axes.set_xlabel("filter removed", fontsize=8)
        axes.figure.colorbar(image, ax=axes, label=title)


def _norm(table: pd.DataFrame) -> Any:
    from matplotlib.colors import SymLogNorm

    return SymLogNorm(FLAT, vmin=0, vmax=table.max(axis=None))


def _short(layer: str) -> str:
    """A layer's name for a title, such as "garment, stage 1, layer 2"; that of another network without its ends."""
    if match := ENCODER.match(layer):
        return f"{BRANCH[match[1]]}, stage {int(match[2]) + 1}, layer {layer[match.end() :].partition('.')[0]}"
    return layer.removeprefix("warp.").replace(".block", "")


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    with atomic_write(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\r\n")
