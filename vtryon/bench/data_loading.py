"""`vtryon bench data`: samples per second from files to a finished batch, beside a plain loop like PF-AFN's."""

import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageDraw
from rich.table import Table
from torch import Tensor
from torch.utils.data import default_collate

from vtryon.bench.results import show
from vtryon.data.datamodule import VitonDataModule
from vtryon.data.sample import finish
from vtryon.data.viton import Record

BATCH = 4


def main(folder: str | os.PathLike | None = None, samples: int = 128, rounds: int = 5, out: Path | None = None) -> int:
    """Time `samples` training samples of `folder` (None: a synthetic one), the two loops in turn, one core each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _folder(folder, samples) as root:
            measured = measure(root, samples, rounds)
    finally:
        torch.set_num_threads(threads)
    return show([_table(measured)], _rows(measured), out)


class SampleTime(NamedTuple):
    """Seconds per sample: of the clock, and of the processor, which a busy machine changes less."""

    clock: float
    processor: float


def measure(root: str | os.PathLike, samples: int, rounds: int) -> dict[str, list[SampleTime]]:
    """The times of each loop in each round; a first round only warms up and is left out."""
    data = VitonDataModule(root, batch_size=BATCH, val_size=0)
    data.setup("fit")
    batches = max(1, min(samples, len(data.train_set)) // BATCH)
    loops = {
        "vtryon": lambda: _ours(data, batches),
        "plain loop": lambda: _plain(data.train_set.records, batches),
    }
    times: dict[str, list[SampleTime]] = {name: [] for name in loops}
    for number in range(rounds + 1):
        for name, loop in loops.items():
            clock, processor = time.perf_counter(), time.process_time()
            loop()
            clock, processor = time.perf_counter() - clock, time.process_time() - processor
            if number:
                times[name].append(SampleTime(clock / (batches * BATCH), processor / (batches * BATCH)))
    return times


def plain_pose(path: str | os.PathLike) -> Tensor:
    """18 maps of a keypoint file, at 256x192."""
    numbers = json.loads(Path(path).read_text())["people"][0]["pose_keypoints"]
    return draw_pose(np.array(numbers, dtype=float).reshape(18, 3)[:, :2], (256, 192))


def draw_pose(points: Float[np.ndarray, "18 2"], size: Sequence[int]) -> Float[Tensor, "18 h w"]:
    """A white square of 5 pixels (at a width of 192) around each keypoint, each on a picture of its own."""
    h, w = size
    half, maps = 5 * w / 192, []
    for x, y in points:
        image = Image.new("L", (w, h))
        if x > 1 and y > 1:
            ImageDraw.Draw(image).rectangle((x - half, y - half, x + half, y + half), "white", "white")
        maps.append(_plain_tensor(image))
    return torch.cat(maps)


def _ours(data: VitonDataModule, batches: int) -> None:
    for _, raw in zip(range(batches), data.train_dataloader(), strict=False):
        finish(raw)


def _plain(records: list[Record], batches: int) -> None:
    order = random.Random(0).sample(records, batches * BATCH)
    for batch_start in range(0, len(order), BATCH):
        batch = order[batch_start : batch_start + BATCH]
        default_collate([plain_sample(record, random.choice(records)) for record in batch])


def plain_sample(record: Record, other_record: Record) -> dict[str, Tensor]:
    """The fields of a `TryOnBatch`, each file read by PIL or NumPy and converted on its own; at 256x192."""
    return {
        "person": _plain_tensor(Image.open(record.person).convert("RGB")),
        "cloth": _plain_tensor(Image.open(record.cloth).convert("RGB")),
        "cloth_edge": (_plain_tensor(Image.open(record.edge).convert("L")) > 0).float(),
        "other_cloth": _plain_tensor(Image.open(other_record.cloth).convert("RGB")),
        "other_edge": (_plain_tensor(Image.open(other_record.edge).convert("L")) > 0).float(),
        "parse": (_plain_tensor(Image.open(record.label).convert("L")) + 1) * 127.5,
        "densepose": torch.from_numpy(np.load(record.densepose).astype(np.float32)),
        "pose": plain_pose(record.pose),
    }


def _plain_tensor(image: Image.Image) -> Tensor:
    """What ToTensor and Normalize(0.5, 0.5) do."""
    pixels = torch.from_numpy(np.array(image))
    planes = (pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)).contiguous()
    return planes.float().div(255).sub(0.5).div(0.5)


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
        shutil.rmtree(Path(root) / "VITON_traindata" / "train_flow")  # VITON knows no true flow
        yield Path(root)


def _rows(measured: dict[str, list[SampleTime]]) -> list[dict[str, Any]]:
    """Samples per second of each loop."""
    rows = []
    for name, rounds in measured.items():
        rows.append(
            {
                "loop": name,
                "median": 1 / statistics.median(time.clock for time in rounds),
                "best": 1 / min(time.clock for time in rounds),
                "median_by_processor": 1 / statistics.median(time.processor for time in rounds),
                "rounds": len(rounds),
            }
        )
    return rows


def _table(measured: dict[str, list[SampleTime]]) -> Table:
    title = f"samples/s on one core, 256x192, batch {BATCH}"
    table = Table("loop", "median", "best", "median by processor time", title=title)
    rows = _rows(measured)
    for row in rows:
        table.add_row(row["loop"], *(f"{row[key]:.0f}" for key in ("median", "best", "median_by_processor")))
    clock, processor = (rows[1][key] / rows[0][key] for key in ("median", "median_by_processor"))
    table.add_row("vtryon's share of the time", f"{clock:.2f}", "", f"{processor:.2f}")
    return table
