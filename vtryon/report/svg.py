"""Charts as inline SVG: scatter, lines, heat map. Every mark has a name; those that count are reached by Tab."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from vtryon.report.markup import Markup, empty, joined, tag

WIDTH, HEIGHT = 640, 380  # of the drawing; it scales with the page
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 46
NAMES = 150  # of a heat map's lines


class Axis(NamedTuple):
    """From numbers to places."""

    title: str
    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """0 at the low end, 1 at the high end."""
        low, high, value = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return (value - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.log:
            ends = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            marks = [m * 10.0**e for e in range(ends[0], ends[1] + 1) for m in (1, 1.5, 2, 3, 5, 7)]
        else:
            step = _round(((self.high - self.low) or 1) / 5)
            start = math.ceil(self.low / step - 1e-9)
            marks = [(start + i) * step for i in range(8)]
        return [mark for mark in marks if self.low * (1 - 1e-9) <= mark <= self.high * (1 + 1e-9)]


def axis(title: str, values: Sequence[float], log: bool = False) -> Axis:
    """An axis that holds all values, with room at its ends."""
    low, high = min(values), max(values)
    if log:
        return Axis(title, low / 1.2, high * 1.2, True)
    room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return Axis(title, low - room, high + room)


class Mark(NamedTuple):
    """A point: where, what it is called, which class of the style sheet, half the height of its error bar."""

    x: float
    y: float
    name: str
    kind: str
    error: float | None = None


def scatter(name: str, x: Axis, y: Axis, marks: Sequence[Mark], steps: Sequence[tuple[float, float]] = ()) -> Markup:
    """Points, and a staircase through `steps` (the front, by x)."""
    front = "".join(
        f"H{_x(x, a):.1f}V{_y(y, b):.1f}" if i else f"M{_x(x, a):.1f} {_y(y, b):.1f}" for i, (a, b) in enumerate(steps)
    )
    bars = [_bar(x, y, mark) for mark in marks if mark.error]
    dots = [_dot(_x(x, mark.x), _y(y, mark.y), mark) for mark in marks]
    return chart(name, x, y, *([empty("path", d=front, class_="front-line")] if front else []), *bars, *dots)


def lines(name: str, x: Axis, y: Axis, series: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> Markup:
    """A line each; its name stands at its end."""
    drawn = []
    for number, (label, points) in enumerate(series):
        path = " ".join(f"{_x(x, a):.1f},{_y(y, b):.1f}" for a, b in points)
        last = points[-1]
        drawn.append(
            tag(
                "g",
                empty("polyline", points=path, class_=f"line s{number % 8}"),
                tag("text", label, x=f"{_x(x, last[0]) - 4:.1f}", y=f"{_y(y, last[1]) - 5:.1f}", class_="label end"),
                **_named(f"{label}: from {points[0][1]:.4g} to {last[1]:.4g}"),
            )
        )
    return chart(name, x, y, *drawn)


def heat_map(name: str, down: Sequence[str], across: Sequence[str], cells: Sequence[Sequence[float | None]]) -> Markup:
    """A cell for each line of `down` and column of `across`, the darker the larger (by rank of the logarithm)."""
    known = [value for line in cells for value in line if value is not None]
    low, high = (math.log1p(max(end, 0)) for end in (min(known), max(known)))
    wide, tall = (WIDTH - NAMES) / len(across), 22 if len(down) < 24 else 15
    parts = []
    for row, (label, line) in enumerate(zip(down, cells, strict=True)):
        parts.append(tag("text", label, x=NAMES - 8, y=row * tall + 36, class_="label row end"))
        for column, value in enumerate(line):
            if value is None:
                continue
            depth = (math.log1p(max(value, 0)) - low) / ((high - low) or 1)
            square = empty(
                *("rect",),
                x=f"{NAMES + column * wide:.1f}",
                y=row * tall + 22,
                width=f"{wide - 0.6:.1f}",
                height=tall - 1,
                style=f"fill-opacity:{0.04 + 0.96 * depth:.2f}",
            )
            parts.append(tag("g", square, tag("title", f"{label}, {across[column]}: {value:.4g}"), class_="heat"))
    every = max(1, len(across) // 16)
    heads = [
        tag("text", text, x=f"{NAMES + (i + 0.5) * wide:.1f}", y=14, class_="label row middle")
        for i, text in enumerate(across)
        if i % every == 0
    ]
    return tag("svg", *heads, *parts, viewBox=f"0 0 {WIDTH} {len(down) * tall + 28}", role="img", aria_label=name)


def chart(name: str, x: Axis, y: Axis, *children: Markup) -> Markup:
    """Axes and what is drawn between them."""
    grid = [
        *(
            tag(
                "g", _rule(_x(x, t), TOP, _x(x, t), HEIGHT - BOTTOM), _tick(_x(x, t), HEIGHT - BOTTOM + 16, t, "middle")
            )
            for t in x.ticks()
        ),
        *(
            tag("g", _rule(LEFT, _y(y, t), WIDTH - RIGHT, _y(y, t)), _tick(LEFT - 6, _y(y, t) + 4, t, "end"))
            for t in y.ticks()
        ),
    ]
    titles = [
        tag("text", x.title, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 8, class_="label middle"),
        tag("text", y.title, x=14, y=HEIGHT / 2, transform=f"rotate(-90 14 {HEIGHT / 2})", class_="label middle"),
    ]
    inside = joined([*grid, *titles, *children])
    return tag("svg", inside, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="group", aria_label=name)


def _dot(x: float, y: float, mark: Mark) -> Markup:
    return tag(
        "g",
        empty("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=5),
        tag("title", mark.name),
        class_=f"dot {mark.kind}",
        **_named(mark.name),
    )


def _bar(x: Axis, y: Axis, mark: Mark) -> Markup:
    ends = (_y(y, mark.y - mark.error), _y(y, mark.y + mark.error))
    return empty("path", d=f"M{_x(x, mark.x):.1f} {ends[0]:.1f}V{ends[1]:.1f}", class_=f"bar {mark.kind}")


def _named(name: str, reached: bool = True) -> dict[str, object]:
    return {"tabindex": 0 if reached else None, "role": "img", "aria_label": name, "data_name": name}


def _rule(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return empty("path", d=f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", class_="rule")


def _tick(x: float, y: float, value: float, where: str) -> Markup:
    return tag("text", f"{value:.4g}", x=f"{x:.1f}", y=f"{y:.1f}", class_=f"label {where}")


def _x(axis_: Axis, value: float) -> float:
    return LEFT + axis_.at(value) * (WIDTH - LEFT - RIGHT)


def _y(axis_: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis_.at(value) * (HEIGHT - TOP - BOTTOM)


def _round(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))
