"""`vtryon bench sweep`: the time of one ratio of a sweep, before and after the caches are filled.

Each ratio prunes, tunes and tests in this process. The features of the real photographs and the teacher's outputs are
cached on disk: the first ratio makes them, the second reads them, and the third works without these caches.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.table import Table

from vtryon.bench.results import show
from vtryon.config.compose import read
from vtryon.data.synthetic.embedded import embedded
from vtryon.runs.run import run

RECIPE = ("experiment=t2_igm_pruning", "training=by_teacher", "logger.wandb=null")


def main(overrides: Sequence[str] = (), out: Path | None = None) -> int:
    """Print the seconds of three ratios; `overrides` are for all of them, such as paths.chain=DIR."""
    data = read([*RECIPE, *overrides]).data
    root = embedded(data.root.train, data.root.test, data.root.seed, tuple(data.size), data.root.cache)
    shared, seconds = [*overrides, f"data.root='{root}'"], {}
    with tempfile.TemporaryDirectory() as folder:
        with _cache(Path(folder) / "filled"):
            seconds["caches are empty"] = _seconds(folder, 0.2, shared)
            seconds["caches are filled"] = _seconds(folder, 0.3, shared)
        with _cache(Path(folder) / "empty"):
            seconds["there are no caches"] = _seconds(folder, 0.4, [*shared, "lessons=null"])
    rows = [{"a ratio when": name, "seconds": value} for name, value in seconds.items()]
    return show([_table(seconds)], rows, out)


def _table(seconds: dict[str, float]) -> Table:
    table = Table("a ratio when", "seconds", title="prune, tune and test")
    for name, value in seconds.items():
        table.add_row(name, f"{value:.1f}")
    _, filled, without = seconds.values()
    table.add_row("filled / none", f"{filled / without:.2f}")
    return table


def _seconds(folder: str, ratio: float, overrides: Sequence[str]) -> float:
    run_folder = f"paths.run='{Path(folder) / str(ratio)}'"
    return run(read([*RECIPE, f"compression.ratio={ratio}", run_folder, *overrides]))["seconds"]


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    """Let VTRYON_CACHE be `folder` inside the block."""
    previous = os.environ.get("VTRYON_CACHE")
    os.environ["VTRYON_CACHE"] = str(folder)
    try:
        yield
    finally:
        if previous is None:
            del os.environ["VTRYON_CACHE"]
        else:
            os.environ["VTRYON_CACHE"] = previous
