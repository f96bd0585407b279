"""Axes drawn without a display: written to a file at once, or returned as an SVG element for a page."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from PIL import Image

from vtryon.utils.atomic import atomic_write

# Placeholder colours of inline SVG: the page's style sheet defines these variables for light and for dark.
INK, SOFT, RULE, ACCENT, PAPER = "#111213", "#5c636a", "#d5d9dd", "#1f5fbe", "#fffffe"
VARIABLES = {INK: "--ink", SOFT: "--soft", RULE: "--line", ACCENT: "--blue", PAPER: "--paper"}
SERIES = ("#1f77b4", "#d95f02", "#2a9d5c", "#c2255c", "#7f5fc4", "#8c6d46", "#d6409f", "#7a8288")  # on white and black
MARKERS, DASHES = "os^Dv<>P", ("-", "--", "-.", ":")
STYLE = {
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"), INK),
    **{"grid.color": RULE, "axes.spines.top": False, "axes.spines.right": False, "font.size": 11},
    **{"font.family": "sans-serif", "svg.fonttype": "none"},  # text stays text: it is searched, copied and read aloud
}
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"


@contextmanager
def sheet(path: Path, rows: int = 1, columns: int = 1, size: tuple[float, float] = (7, 4.5)) -> Iterator[Any]:
    """Yield axes, an array of (rows, columns); the picture (by the suffix of `path`) is written when the block ends."""
    figure = _figure(size)
    yield figure.subplots(rows, columns, squeeze=False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)
        if path.suffix == ".png":
            _shrink(temporary)


def _shrink(path: Path) -> None:
    """Store a PNG with a palette of 256 colours: a chart has hardly more, and takes a third of the bytes."""
    with Image.open(path) as image:
        smaller = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    smaller.save(path, optimize=True)


def inline_svg(title: str, draw: Callable[[Any], dict[str, str] | None], size: tuple[float, float] = (5.2, 3.5)) -> str:
    """One pair of axes as an SVG element, the same text for the same data.

    Args:
        title: the chart's accessible name.
        draw: draws on the axes; returns names of artists by their `gid`. A named artist is reached by Tab and shows its
            name as a tooltip.
        size: inches, of which one is 72 units of the drawing.
    """
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(STYLE | {"svg.hashsalt": title}):
        figure = _figure(size)
        names = draw(figure.subplots()) or {}
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Title": title})
    return _element(buffer.getvalue(), title, names)


def heat_map(axes: Any, table: pd.DataFrame, across: Sequence[str], **options: Any) -> Any:
    """A cell for each line and column of a table, coloured by its value, which is written on it.

    Args:
        across: labels of the columns; those of the lines are the table's index.
        options: of matplotlib's `imshow`.
    """
    image = axes.imshow(table.to_numpy(), aspect="auto", **options)
    axes.set_yticks(range(len(table)), table.index, fontsize=7)
    axes.set_xticks(range(len(across)), across, fontsize=7)
    for (y, x), value in np.ndenumerate(table.to_numpy()):
        is_dark = sum(image.cmap(image.norm(value))[:3]) < 1.5
        axes.text(
            x,
            y,
            f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}",
            ha="center",
            va="center",
            fontsize=6,
            color="white" if is_dark else "black",
        )
    return image


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # half a second, for pictures alone
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _element(document: bytes, title: str, names: dict[str, str]) -> str:
    """A document of matplotlib as an element of HTML: named marks, colours of the page, ids of no other chart."""
    root = ElementTree.fromstring(document)
    root.remove(root.find(f"{_SVG}metadata"))
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "group" if names else "img", "aria-label": title}
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if _LINK in element.attrib:
            element.attrib["href"] = element.attrib.pop(_LINK)
        identifier = element.attrib.get("id", "")
        if identifier in names:
            name = names[identifier]
            element.attrib |= {"tabindex": "0", "role": "img", "aria-label": name, "data-name": name, "class": "mark"}
            caption = ElementTree.Element("title")
            caption.text = name
            element.insert(0, caption)
        if element.tag == "g":
            element.attrib.pop("id", None)  # matplotlib numbers groups anew in each figure; nothing refers to them
    text = ElementTree.tostring(root, encoding="unicode")
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return text
