"""Procedural data with a progress bar: for the verb `vtryon data synth`, and for a run that is given no data."""

import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from vtryon.data.synthetic.writer import VERSION, write_viton
from vtryon.nn.lock import locked


def embedded(
    train: int,
    test: int,
    seed: int = 0,
    size: Sequence[int] = (256, 192),
    cache: str | os.PathLike = "~/.cache/vtryon",
) -> Path:
    """The folder of `train` and `test` samples of `size` (h, w), drawn first where the cache lacks it."""
    height, width = size
    root = Path(cache).expanduser() / "synthetic" / f"v{VERSION}-{height}x{width}-seed{seed}-{train}-{test}"
    # in a process that itself has a parent, such as a launcher's, others draw or train beside it
    workers = 1 if multiprocessing.current_process().name != "MainProcess" else os.cpu_count() or 1
    with locked(Path(cache).expanduser() / "locks" / root.name):  # the jobs of a sweep may all want it at once
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
