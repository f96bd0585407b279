"""Procedural data with a progress bar: for the verb `vtryon data synth`, and for a run that is given no data."""

import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from vtryon.data.synthetic.relayout import TARGETS, relayout
from vtryon.data.synthetic.writer import VERSION, write_viton
from vtryon.utils.home import with_home
from vtryon.utils.lock import locked


def embedded(
    train: int,
    test: int,
    seed: int = 0,
    size: Sequence[int] = (256, 192),
    cache: str | os.PathLike = "~/.cache/vtryon",
) -> Path:
    """The folder of `train` and `test` samples of `size` (h, w), drawn first where the cache lacks it."""
    height, width = size
    root = with_home(cache) / "synthetic" / f"v{VERSION}-{height}x{width}-seed{seed}-{train}-{test}"
    # in a process that itself has a parent, such as a launcher's, others draw or train beside it
    workers = 1 if multiprocessing.current_process().name != "MainProcess" else os.cpu_count() or 1
    with locked(with_home(cache) / "locks" / root.name):  # the jobs of a sweep may all want it at once
        draw(root, train, test, seed, (height, width), workers)
    return root


def draw(root: Path, train: int, test: int, seed: int, size: tuple[int, int], workers: int) -> None:
    """`write_viton`, watched."""
    columns = (
        TextColumn("drawing people and garments"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("draw", total=train + test, visible=False)

        def progress(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of, visible=True)

        write_viton(root, train, test, seed, size, workers, progress)


def draw_in_layout(
    root: Path, train: int, test: int, seed: int, size: tuple[int, int], workers: int, layout: str, densepose: bool
) -> None:
    """`draw`, in the layout of CP-VTON, VITON-HD or Dress Code, whose folders have no true flow.

    Raises:
        ValueError: no such layout.
        FileExistsError: `root` is there.
    """
    if layout not in TARGETS:
        raise ValueError(f"layout (={layout!r}) must be one of pf_afn, {', '.join(TARGETS)}")
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder) / "drawn", train, test, seed, size, workers)
        relayout(Path(folder) / "drawn", root, layout, densepose)
