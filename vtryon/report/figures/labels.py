"""Labels within a chart: each line's name at its end, each point's name beside it, no two over each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

LINE_HEIGHT = 1.3  # of the font's size
UP, DOWN = (6, 19, 32, 45, 58), (-13, -26, -39, -52, -65)  # points above and below a mark
# (offset, alignment) of a name; those of FREE are clear of a staircase
FREE = [position for up, down in zip(UP, DOWN, strict=True) for position in ((up, "right"), (down, "left"))]
PLACES = [*FREE, *((offset, {"left": "right", "right": "left"}[alignment]) for offset, alignment in FREE)]


def label_ends(axes: Any, names: Sequence[str], size: float = 10) -> None:
    """Write the name of each line of `axes` at its right end, in its colour, moved where two would overlap.

    A thin rule leads from a name to its line. The figure has been laid out already, by `draw_without_rendering`.

    Args:
        names: of `axes.lines`, in their order.
        size: of the font, in points.
    """
    last_points = [(line.get_xdata()[-1], line.get_ydata()[-1]) for line in axes.lines]
    heights = axes.transAxes.inverted().transform(axes.transData.transform(last_points))[:, 1].tolist()
    gap = LINE_HEIGHT * size * axes.figure.dpi / 72 / axes.bbox.height
    for line, name, last_point, height in zip(axes.lines, names, last_points, spread_apart(heights, gap), strict=True):
        rule = {"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
        style = {"color": line.get_color(), "fontsize": size, "va": "center", "annotation_clip": False}
        axes.annotate(name, last_point, xytext=(1.05, height), textcoords="axes fraction", arrowprops=rule, **style)


def spread_apart(heights: Sequence[float], gap: float) -> list[float]:
    """Heights in the same order, each at least `gap` from the next, within 0..1 as long as there is room.

    Example:
        >>> spread_apart([0.0, 1.0, 1.0], 0.25)
        [0.0, 0.75, 1.0]
    """
    order = np.argsort(np.clip(heights, 0, 1), kind="stable")
    placed = np.clip(heights, 0, 1).astype(float)
    ceiling = 1.0
    for number in order[::-1]:  # from the top down: none above the axes
        placed[number] = min(placed[number], ceiling)
        ceiling = placed[number] - gap
    floor = min(0.0, 1 - gap * (len(order) - 1)) if len(order) else 0.0
    for number in order:  # from the bottom up: none below, unless there are more names than lines of text
        placed[number] = max(placed[number], floor)
        floor = placed[number] + gap
    return placed.tolist()


def label_points(axes: Any, points: Sequence[tuple[str, float, float]], size: float = 10) -> None:
    """Write the name of each point (name, x, y) beside it, where it covers no other name and stays in the figure.

    The figure has been laid out already, by `draw_without_rendering`. A name stands above to the left or below to the
    right, where no staircase through rising points runs, and elsewhere if there is no room.

    Args:
        size: of the font, in points.
    """
    renderer, room = axes.figure.canvas.get_renderer(), axes.figure.bbox
    taken: list[Any] = []
    for name, x, y in points:
        text = axes.annotate(name, (x, y), xytext=(0, 0), textcoords="offset points", fontsize=size)
        text.set_in_layout(False)  # the axes keep their size, whatever the name's length
        for offset, alignment in PLACES:
            text.set_ha(alignment)
            text.set_position((-4 if alignment == "right" else 4, offset))
            box = text.get_window_extent(renderer)
            fits = axes.bbox.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1
            if fits and not any(box.overlaps(taken_box) for taken_box in taken):
                break
        else:  # wider than half of the axes on either side: as far into the figure as it goes
            text.set_position((min(4, (room.x1 - box.x1) * 72 / axes.figure.dpi), (UP + DOWN)[len(taken) % 10]))
            box = text.get_window_extent(renderer)
        taken.append(box)
