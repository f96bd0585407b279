"""The scores of single samples: taken batch by batch, gathered from all processes, averaged, kept as a table."""

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch.distributed as dist

from vtryon.data.sample import TryOnBatch
from vtryon.metrics.flow import end_point_error
from vtryon.metrics.likeness import likeness
from vtryon.nn.afwm import Warp
from vtryon.nn.atomic import atomic_write
from vtryon.nn.image import to_uint8
from vtryon.nn.tryon import TryOn


class SampleScores(NamedTuple):
    """One try-on judged; None where the source has nothing to judge it by."""

    split: str
    person: str
    cloth: str
    ssim: float | None = None
    psnr: float | None = None  # dB
    mse: float | None = None  # squared steps of the 8-bit scale
    epe: float | None = None  # pixels
    ssim_to_teacher: float | None = None
    mse_to_teacher: float | None = None


SCORES = SampleScores._fields[3:]


def judge(split: str, outputs: dict[str, TryOn | Warp], batch: TryOnBatch) -> list[SampleScores]:
    """One row a sample of the batch; a stage that only warps returns "warp", and only its flow is judged."""
    found: dict[str, list[float]] = {}
    if batch.true_flow is not None:
        flow = (outputs.get("try_on") or outputs["warp"]).flow
        found["epe"] = end_point_error(flow.detach().float(), batch.true_flow).pixels.tolist()
    if "try_on" in outputs:
        image = to_uint8(outputs["try_on"].image.detach().float())
        if batch.truth is not None:
            found |= {name: of.tolist() for name, of in likeness(image, to_uint8(batch.truth))._asdict().items()}
        if "teacher" in outputs:
            to_teacher = likeness(image, to_uint8(outputs["teacher"].image.detach().float()))
            found |= {
                "ssim_to_teacher": to_teacher.ssim.tolist(),
                "mse_to_teacher": to_teacher.mse.tolist(),
            }
    pairs = zip(batch.person_ids, batch.cloth_ids, strict=True)
    return [
        SampleScores(
            split,
            person,
            cloth,
            **{name: _known(values[row]) for name, values in found.items()},
        )
        for row, (person, cloth) in enumerate(pairs)
    ]


def gather(rows: list[SampleScores]) -> list[SampleScores]:
    """The rows of all processes, each pair once: a distributed sampler repeats samples to fill its last batch."""
    if dist.is_available() and dist.is_initialized():
        everybody: list = [None] * dist.get_world_size()
        dist.all_gather_object(everybody, rows)
        rows = [row for part in everybody for row in part]
    return list({row[:3]: row for row in rows}.values())


def averages(rows: Iterable[SampleScores]) -> dict[str, float]:
    """{"paired/ssim": mean over samples, ...} of what was judged at all.

    The infinite PSNR of a picture identical to its truth is left out: one of it would hide all the others.
    """
    values: dict[str, list[float]] = {}
    for row in rows:
        for name in SCORES:
            value = getattr(row, name)
            if value is not None and math.isfinite(value):
                values.setdefault(f"{row.split}/{name}", []).append(value)
    return {key: math.fsum(of) / len(of) for key, of in values.items()}


def write_samples(path: Path, rows: Iterable[SampleScores]) -> None:
    """A CSV with a row a sample; an empty cell is what could not be judged."""
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SampleScores._fields)
        writer.writerows(rows)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
