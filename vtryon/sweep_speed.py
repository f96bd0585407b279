"""`vtryon bench sweep`: what a ratio of a sweep costs once the ratios before it have left what all of them share.

Each ratio prunes, tunes and tests in this process. The features of the real photographs and the teacher's answers are
kept on disk; the first ratio has to make them, the second finds them, and the third is told to do without.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vtryon.config import read
from vtryon.data.synthetic.embedded import embedded
from vtryon.run import run

RECIPE = ("experiment=t2_igm_pruning", "training=by_teacher", "logger.wandb=null")


def main(overrides: Sequence[str] = ()) -> int:
    """Print the seconds of three ratios; `overrides` are for all of them, such as paths.chain=DIR."""
    asked = read([*RECIPE, *overrides]).data
    root = embedded(asked.root.train, asked.root.test, asked.root.seed, tuple(asked.size), asked.root.cache)
    shared, spent = [*overrides, f"data.root='{root}'"], {}
    with tempfile.TemporaryDirectory() as folder:
        with _cache(Path(folder) / "kept"):
            spent["nothing is kept yet"] = _seconds(folder, 0.2, shared)
            spent["features and answers are kept"] = _seconds(folder, 0.3, shared)
        with _cache(Path(folder) / "empty"):
            spent["nothing is kept at all"] = _seconds(folder, 0.4, [*shared, "lessons=null"])
    table = Table("a ratio when", "seconds", title="prune, tune and test")
    for name, seconds in spent.items():
        table.add_row(name, f"{seconds:.1f}")
    _, kept, without = spent.values()
    table.add_row("kept / without", f"{kept / without:.2f}")
    Console().print(table)
    return 0


def _seconds(folder: str, ratio: float, overrides: Sequence[str]) -> float:
    place = f"paths.run='{Path(folder) / str(ratio)}'"
    return run(read([*RECIPE, f"compression.ratio={ratio}", place, *overrides]))["seconds"]


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    before = os.environ.get("VTRYON_CACHE")
    os.environ["VTRYON_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["VTRYON_CACHE"]
        else:
            os.environ["VTRYON_CACHE"] = before
