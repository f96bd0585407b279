"""`vtryon bench data`: samples a second from files to a finished batch, beside a plain loop like PF-AFN's."""

import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.data import default_collate

from vtryon.data.datamodule import VitonDataModule
from vtryon.data.sample import finish
from vtryon.data.viton import Record

BATCH = 4


def main(
    folder: str | os.PathLike | None = None, samples: int = 128, rounds: int = 5
) -> int:
    """Time `samples` training samples of `folder` (None: a synthetic one), the two loops in turn, one core each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _folder(folder, samples) as root:
            seconds = measure(root, samples, rounds)
    finally:
        torch.set_num_threads(threads)
    Console().print(_table(seconds))
    return 0


def measure(
    root: str | os.PathLike, samples: int, rounds: int
) -> dict[str, list[float]]:
    """Seconds a sample of each loop in each round; the first round only warms up and is not among them."""
    data = VitonDataModule(root, batch_size=BATCH, val_size=0)
    data.setup("fit")
    batches = max(1, min(samples, len(data.train_set)) // BATCH)
    loops = {
        "vtryon": lambda: _ours(data, batches),
        "plain loop": lambda: _plain(data.train_set.records, batches),
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + 1):
        for name, loop in loops.items():
            spent = _spent(loop) / (batches * BATCH)
            if number:
                seconds[name].append(spent)
    return seconds


def plain_pose(path: str | os.PathLike) -> Tensor:
    """18 maps, each drawn by PIL and converted on its own; at 256x192."""
    with open(path) as file:
        numbers = json.load(file)["people"][0]["pose_keypoints"]
    maps = []
    for x, y, _ in np.array(numbers).reshape(18, 3):
        image = Image.new("L", (192, 256))
        if x > 1 and y > 1:
            ImageDraw.Draw(image).rectangle(
                (x - 5, y - 5, x + 5, y + 5), "white", "white"
            )
        maps.append(_plain_tensor(image))
    return torch.cat(maps)


def _ours(data: VitonDataModule, batches: int) -> None:
    for _, raw in zip(range(batches), data.train_dataloader(), strict=False):
        finish(raw)


def _plain(records: list[Record], batches: int) -> None:
    order = random.Random(0).sample(records, batches * BATCH)
    for start in range(0, len(order), BATCH):
        default_collate(
            [
                plain_sample(record, random.choice(records))
                for record in order[start : start + BATCH]
            ]
        )


def plain_sample(record: Record, other: Record) -> dict[str, Tensor]:
    return {
        "person": _plain_tensor(Image.open(record.person).convert("RGB")),
        "cloth": _plain_tensor(Image.open(record.cloth).convert("RGB")),
        "cloth_edge": (_plain_tensor(Image.open(record.edge).convert("L")) > 0).float(),
        "other_cloth": _plain_tensor(Image.open(other.cloth).convert("RGB")),
        "other_edge": (_plain_tensor(Image.open(other.edge).convert("L")) > 0).float(),
        "parse": (_plain_tensor(Image.open(record.label).convert("L")) + 1) * 127.5,
        "densepose": torch.from_numpy(np.load(record.densepose).astype(np.float32)),
        "pose": plain_pose(record.pose),
    }


def _plain_tensor(image: Image.Image) -> Tensor:
    """What ToTensor and Normalize(0.5, 0.5) do."""
    pixels = torch.from_numpy(np.array(image))
    planes = (
        pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)
    ).contiguous()
    return planes.float().div(255).sub(0.5).div(0.5)


def _spent(loop: Callable[[], None]) -> float:
    start = time.perf_counter()
    loop()
    return time.perf_counter() - start


@contextmanager
def _folder(folder: str | os.PathLike | None, samples: int) -> Iterator[Path]:
    if folder is not None:
        yield Path(folder)
        return
    from vtryon.data.synthetic.writer import write_viton

    with tempfile.TemporaryDirectory() as root:
        write_viton(
            Path(root),
            train=samples,
            test=2,
            seed=0,
            size=(256, 192),
            workers=os.cpu_count() or 1,
        )
        yield Path(root)


def _table(seconds: dict[str, list[float]]) -> Table:
    table = Table(
        "loop",
        "samples/s, median",
        "samples/s, best",
        title=f"256x192, batch {BATCH}, one core",
    )
    for name, spent in seconds.items():
        table.add_row(
            name, f"{1 / statistics.median(spent):.0f}", f"{1 / min(spent):.0f}"
        )
    ours, plain = (statistics.median(spent) for spent in seconds.values())
    table.add_row("vtryon takes", f"{ours / plain:.2f} of the time", "")
    return table
