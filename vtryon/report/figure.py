"""One sheet of axes, drawn without a display and written at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vtryon.nn.atomic import atomic_write


@contextmanager
def sheet(path: Path, rows: int = 1, columns: int = 1, size: tuple[float, float] = (7, 4.5)) -> Iterator[Any]:
    """Yield axes, an array of (rows, columns); the picture (by the suffix of `path`) is written when the block ends."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # half a second, for pictures alone
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    yield figure.subplots(rows, columns, squeeze=False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)


def heat_map(
    axes: Any, cells: Sequence[Sequence[float]], down: Sequence[str], across: Sequence[str], **how: Any
) -> Any:
    """A cell for each line of `down` and column of `across`, coloured by its value, which is written on it."""
    image = axes.imshow(cells, aspect="auto", **how)
    axes.set_yticks(range(len(down)), down, fontsize=7)
    axes.set_xticks(range(len(across)), across, fontsize=7)
    for y, line in enumerate(cells):
        for x, value in enumerate(line):
            dark = sum(image.cmap(image.norm(value))[:3]) < 1.5
            axes.text(x, y, f"{value:.3g}", ha="center", va="center", fontsize=6, color="white" if dark else "black")
    return image
