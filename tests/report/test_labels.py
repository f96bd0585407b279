"""Labels of charts: every series has its own look and its name beside it, and no name covers another."""

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from vtryon.report.figures.charts import front_chart
from vtryon.report.figures.labels import label_ends, label_points, spread_apart
from vtryon.report.figures.sensitivity_blocks import MEASURES, _draw_curves
from vtryon.report.tables.pareto import FRONT, Point


@pytest.fixture
def axes():
    figure = Figure(figsize=(5.2, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def overlapping(axes) -> list[tuple[str, str]]:
    """The pairs of names that cover each other."""
    renderer = axes.figure.canvas.get_renderer()
    boxes = [(text, Text.get_window_extent(text, renderer)) for text in axes.texts]  # without the rules to the lines
    return [(a.get_text(), b.get_text()) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


@pytest.mark.parametrize("heights", [[0.5] * 8, [0.0] * 5, [1.0, 1.0, 0.99, 0.2], [-3.0, 7.0, 0.1]])
def test_heights_are_a_gap_apart_within_the_axes_and_keep_their_order(heights):
    placed = spread_apart(heights, 0.1)
    assert np.diff(sorted(placed)).min() >= 0.1 - 1e-9
    assert min(placed) >= -1e-9
    assert max(placed) <= 1 + 1e-9
    assert [placed[number] for number in np.argsort(heights, kind="stable")] == sorted(placed)


def test_a_height_that_is_alone_stays_where_it_is():
    assert spread_apart([0.3, 0.9], 0.1) == [0.3, 0.9]
    assert spread_apart([], 0.1) == []


@pytest.mark.parametrize("ends", [np.ones(8), np.linspace(0, 0.1, 8), np.zeros(8)])
def test_eight_lines_that_end_together_have_eight_names_apart_in_their_colours(axes, ends):
    for number, end in enumerate(ends):
        axes.plot([0, 1], [0.5, end], color=f"C{number}")
    axes.figure.draw_without_rendering()
    label_ends(axes, [f"block {number}" for number in range(8)])
    axes.figure.draw_without_rendering()
    assert overlapping(axes) == []
    assert [text.get_color() for text in axes.texts] == [line.get_color() for line in axes.lines]


def test_names_of_points_lie_apart_and_within_the_figure_however_long(axes):
    points = [(f"t1_cwm_pruning 0.{number} training=by_both", 1 + 0.01 * number, 0.5) for number in range(6)]
    axes.plot([point[1] for point in points], [point[2] for point in points], "o")
    axes.figure.draw_without_rendering()
    label_points(axes, points)
    page, renderer = axes.figure.bbox, axes.figure.canvas.get_renderer()
    assert overlapping(axes) == []
    assert all(text.get_window_extent(renderer).x1 <= page.x1 for text in axes.texts)


@pytest.mark.parametrize("costs", [(0.3, 0.31), (0.1, 0.35), (1, 40), (21.3, 21.35)])
def test_the_axis_of_a_front_has_at_least_two_numbers_on_it_whatever_it_spans(costs):
    points = [Point("small", costs[0], 0.80), Point("large", costs[1], 0.81)]
    chart = front_chart("chart", "GMACs", "SSIM", points, [FRONT, FRONT])
    numbers = [float(text) for text in re.findall(r"<text[^>]*>([\d.]+)</text>", chart.partition("GMACs</text>")[0])]
    assert len([number for number in numbers if costs[0] * 0.9 <= number <= costs[1] * 1.1]) >= 2


def test_no_two_lines_of_a_panel_of_block_curves_look_alike(tmp_path, monkeypatch):
    blocks = [f"{half} {number}" for half in ("encoder", "decoder") for number in range(1, 6)] + [
        "encoders",
        "decoders",
    ]
    rows = [
        {"choice": "magnitude", "block": block, "share": share} | dict.fromkeys(MEASURES, share)
        for block in blocks
        for share in (0.0, 0.5, 1.0)
    ]
    panels = []
    monkeypatch.setattr(
        "vtryon.report.figures.sensitivity_blocks.label_ends",
        lambda panel, names, size: panels.append((panel, names)),
    )
    _draw_curves(pd.DataFrame(rows), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").is_file()
    for panel, names in panels:
        looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in panel.lines}
        assert len(looks) == len(panel.lines) == len(names) == 6
