"""The scores of single samples: taken batch by batch, gathered from all processes, averaged, kept as a table."""

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.distributed as dist
from jaxtyping import Bool, UInt8
from torch import Tensor

from vtryon.data.parse import FACE, OTHER_CLOTHES
from vtryon.data.sample import TryOnBatch
from vtryon.metrics.judged import Judged, Regions
from vtryon.metrics.registry import UNPAIRED, sample_metrics
from vtryon.models.afwm import Warp
from vtryon.models.tryon import TryOn
from vtryon.utils.atomic import atomic_write
from vtryon.utils.image import to_uint8

PAIR = ("split", "person", "cloth")  # columns that tell a sample from others


@dataclass(frozen=True)
class SampleScores:
    """The scores of one try-on, by the name of the metric; None where the sample cannot be judged."""

    split: str
    person: str
    cloth: str
    scores: dict[str, float | None] = field(default_factory=dict)

    @property
    def pair(self) -> tuple[str, str, str]:
        """What tells it from others."""
        return self.split, self.person, self.cloth

    def number(self, name: str) -> float | None:
        """A score that counts in a mean: None where it is missing or infinite."""
        score = self.scores.get(name)
        return score if score is not None and math.isfinite(score) else None


def judge(
    split: str,
    outputs: dict[str, TryOn | Warp],
    batch: TryOnBatch,
    lpips: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> list[SampleScores]:
    """The scores of each sample of a batch, by every registered metric that `split` has and that has what it needs.

    Args:
        outputs: "try_on", or "warp" of a stage that only warps, and "teacher" where there is one.
        lpips: distances of two batches of uint8 pictures, where there is such a network.

    Raises:
        FloatingPointError: a try-on or a flow is not finite; as an 8-bit picture it would be judged like any other.
    """
    _raise_unless_finite(outputs, batch)
    judged = _judged(split, outputs, batch, lpips)
    columns: dict[str, list[float]] = {}
    for metric in sample_metrics(split):
        numbers = metric.compute(judged)
        if numbers is not None:
            columns[metric.name] = numbers.tolist()
    samples = []
    for row, (person, cloth) in enumerate(zip(batch.person_ids, batch.cloth_ids, strict=True)):
        scores = {name: _none_if_nan(numbers[row]) for name, numbers in columns.items()}
        samples.append(SampleScores(split, person, cloth, scores))
    return samples


def _raise_unless_finite(outputs: dict[str, TryOn | Warp], batch: TryOnBatch) -> None:
    for name, output in outputs.items():
        fields = {"flow": output.flow} | ({"image": output.image} if isinstance(output, TryOn) else {})
        for field_name, values in fields.items():
            finite = torch.isfinite(values).flatten(1).all(1).tolist()
            bad = [person for person, fine in zip(batch.person_ids, finite, strict=True) if not fine]
            if bad:
                raise FloatingPointError(
                    f"the {field_name} of {name} is not finite for {', '.join(bad)}; no score is taken"
                )


def _judged(split: str, outputs: dict[str, TryOn | Warp], batch: TryOnBatch, lpips: Callable | None) -> Judged:
    try_on, teacher = outputs.get("try_on"), outputs.get("teacher")
    flow = (outputs["warp"] if try_on is None else try_on).flow
    regions = None
    if batch.parse is not None and split == UNPAIRED:
        regions = Regions(_labelled(batch.parse, FACE), _labelled(batch.parse, OTHER_CLOTHES))
    return Judged(
        flow=flow.detach().float(),
        photo=to_uint8(batch.person),
        cloth=batch.cloth,
        cloth_edge=batch.cloth_edge,
        image=None if try_on is None else to_uint8(try_on.image.detach().float()),
        truth=None if batch.truth is None else to_uint8(batch.truth),
        true_flow=batch.true_flow,
        teacher=None if teacher is None else to_uint8(teacher.image.detach().float()),
        regions=regions,
        lpips=lpips,
    )


def _labelled(parse: UInt8[Tensor, "b h w"], labels: Iterable[int]) -> Bool[Tensor, "b h w"]:
    return torch.isin(parse, torch.tensor(list(labels), dtype=parse.dtype, device=parse.device))


def gather(samples: list[SampleScores]) -> list[SampleScores]:
    """The samples of all processes, each pair once: a distributed sampler repeats some to fill its last batch."""
    if dist.is_available() and dist.is_initialized():
        by_process: list = [None] * dist.get_world_size()
        dist.all_gather_object(by_process, samples)
        samples = [sample for process in by_process for sample in process]
    return list({sample.pair: sample for sample in samples}.values())


def averages(samples: Iterable[SampleScores]) -> dict[str, float]:
    """{"paired/ssim": mean over samples, ...} of what was judged at all.

    The infinite PSNR of a picture identical to its truth is left out: one of it would hide all the others.
    """
    numbers: dict[str, list[float]] = {}
    for sample in samples:
        for name in sample.scores:
            score = sample.number(name)
            if score is not None:
                numbers.setdefault(f"{sample.split}/{name}", []).append(score)
    return {key: math.fsum(column) / len(column) for key, column in numbers.items()}


def left_out(samples: Iterable[SampleScores], means: Iterable[str]) -> dict[str, int]:
    """{"unpaired/preserved_lower": 12, ...}: samples that some of these means are without, as a person without legs."""
    counts: dict[str, int] = {}
    means = set(means)
    names = [metric.name for metric in sample_metrics()]
    for sample in samples:
        for name in names:
            key = f"{sample.split}/{name}"
            if key in means and sample.number(name) is None:
                counts[key] = counts.get(key, 0) + 1
    return counts


def write_samples(path: Path, samples: Iterable[SampleScores]) -> None:
    """Write a CSV with a row a sample and a column a metric; an empty cell is what could not be judged."""
    names = [metric.name for metric in sample_metrics()]
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*PAIR, *names])
        for sample in samples:
            writer.writerow([*sample.pair, *(sample.scores.get(name) for name in names)])


def sample_table(samples: Sequence[SampleScores]) -> tuple[list[str], list[list[str | float | None]]]:
    """Columns and rows for a tracker, without metrics that no sample has; None is what is missing or infinite."""
    names = [metric.name for metric in sample_metrics()]
    names = [name for name in names if any(sample.number(name) is not None for sample in samples)]
    return [*PAIR, *names], [[*sample.pair, *map(sample.number, names)] for sample in samples]


def _labelled(parse: UInt8[Tensor, "b h w"], labels: Iterable[int]) -> Bool[Tensor, "b h w"]:
    return torch.isin(parse, torch.tensor(list(labels), dtype=parse.dtype, device=parse.device))


def _none_if_nan(number: float) -> float | None:
    return None if math.isnan(number) else number
