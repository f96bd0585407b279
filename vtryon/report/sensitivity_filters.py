"""Figures F5 and F6: damage filter by filter as published lines and as heat maps, the ranking and the layers as CSV."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vtryon.nn.atomic import atomic_write
from vtryon.report.figure import sheet
from vtryon.report.key_players import Filter, averaged, by_layer, concentration, findings, ranking

FIGURES = {  # measure: file, what the axis says
    "mse": ("f5_mse", "MSE to unpruned, 8-bit"),
    "ssim": ("f6_ssim", "SSIM to unpruned"),
    "drift_px": ("drift", "drift of the flow, pixels"),
}


def draw(rows: Sequence[dict[str, str]], run: Path) -> dict[str, Any]:
    """Write RUN/figures: lines and heat maps, filters.csv (ranked) and layers.csv; returns what there is to say."""
    folder, filters = run / "figures", averaged(rows)
    for measure, (name, title) in FIGURES.items():
        _lines(filters, measure, title, folder / f"{name}.png")
        _heat(filters, measure, title, folder / f"{name}_heat.png")
    _write(
        folder / "filters.csv",
        ("rank", "layer", "filter", "mse", "ssim", "drift_px", "pairs", "share_of_damage"),
        (
            (place, one.layer, one.filter, *map(_digits, one[2:5]), one.pairs, _digits(share))
            for place, (one, share) in enumerate(ranking(filters), 1)
        ),
    )
    _write(
        folder / "layers.csv",
        (
            "layer",
            "filters",
            "mean_mse",
            "max_mse",
            "mean_ssim",
            "min_ssim",
            "mean_drift_px",
            "share_of_worst_5_percent",
        ),
        (_layer(name, own) for name, own in by_layer(filters).items()),
    )
    return findings(filters)


def _layer(name: str, own: Sequence[Filter]) -> tuple[Any, ...]:
    def mean(values: Iterable[float]) -> str:
        return _digits(sum(values) / len(own))

    return (
        *(name, len(own), mean(one.mse for one in own), _digits(max(one.mse for one in own))),
        *(mean(one.ssim for one in own), _digits(min(one.ssim for one in own))),
        *(mean(one.drift_px for one in own), _digits(concentration(own))),
    )


def _lines(filters: Sequence[Filter], measure: str, title: str, path: Path) -> None:
    """A line a layer over the number of the filter that is gone; early layers dark, late ones light."""
    from matplotlib import colormaps

    layers = by_layer(filters)
    with sheet(path, size=(9, 4.5)) as ((axes,),):
        for place, (name, own) in enumerate(layers.items()):
            colour = colormaps["turbo"](place / max(1, len(layers) - 1))
            heights = [getattr(one, measure) for one in own]
            axes.plot([one.filter for one in own], heights, lw=0.8, color=colour, label=_short(name))
        axes.set(xlabel="filter removed", ylabel=title)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=5, ncols=2, loc="upper left", bbox_to_anchor=(1, 1))


def _heat(filters: Sequence[Filter], measure: str, title: str, path: Path) -> None:
    """A line a layer, a column a filter; white where a layer has no such filter."""
    layers = by_layer(filters)
    across = max(len(own) for own in layers.values())
    cells = [[getattr(one, measure) for one in own] + [float("nan")] * (across - len(own)) for own in layers.values()]
    with sheet(path, size=(9, 1.2 + 0.18 * len(layers))) as ((axes,),):
        colours = "viridis" if measure == "ssim" else "viridis_r"
        image = axes.imshow(cells, aspect="auto", cmap=colours, interpolation="nearest")
        axes.set_yticks(range(len(layers)), map(_short, layers), fontsize=6)
        axes.set_xlabel("filter removed", fontsize=8)
        axes.figure.colorbar(image, ax=axes, label=title)


def _short(layer: str) -> str:
    return layer.removeprefix("warp.").replace("_features.encoders", "").replace(".block", "")


def _write(path: Path, head: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(lines)


def _digits(number: float) -> str:
    return f"{number:.6g}"
