"""The registry of metrics: one entry holds a metric's name, direction, unit, splits and function.

Rows, CSV files, terminal tables and wandb take columns, headings and directions from here. The module imports nothing
of torch, so that reports may read it. To add a metric, write its function and add an entry to `_BUILT_IN`:

    Metric("brightness", "min", "8-bit steps", "Brightness", function="vtryon.metrics.brightness:brightness_error")
"""

import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

UNPAIRED = "unpaired"  # the split whose persons are dressed in garments that they do not wear in the photo
PAIRED = "paired"  # the split whose photos show the garment already
VALIDATION = "val"


@dataclass(frozen=True)
class Metric:
    """One metric; its keys in a row are SPLIT/NAME, such as "paired/ssim".

    Args:
        name: last part of its keys, and its column in RUN/samples.csv.
        direction: the better end, "max" or "min"; None where neither is better.
        unit: of its numbers; "" for a pure number.
        label: heading in tables.
        digits: after the point, in tables; None chooses them by size.
        splits: first parts of its keys; None takes validation and every split of the test.
        shown: splits that the main table has a column for; None takes every split of the test.
        function: of a `vtryon.metrics.judged.Judged` batch to one number a sample (b,), NaN where a sample cannot be
            judged; or its path "module:function". None where the number is no mean over samples.
        needs: attributes of `Judged` without which the function is not called.
        empty: why the score is missing although all that it needs is there.
    """

    name: str
    direction: str | None
    unit: str = ""
    label: str = ""
    digits: int | None = None
    splits: tuple[str, ...] | None = None
    shown: tuple[str, ...] | None = None
    function: Callable[[Any], Any] | str | None = None
    needs: tuple[str, ...] = ()
    empty: str = "no sample of this split can be judged by it"

    def __post_init__(self) -> None:
        if self.direction not in ("max", "min", None):
            raise ValueError(f"direction (={self.direction!r}) of metric {self.name!r} must be 'max', 'min' or None")

    @property
    def heading(self) -> str:
        """What stands above its column."""
        return self.label or self.name

    def measured_in(self, split: str) -> bool:
        """Whether `split` has this metric."""
        return self.splits is None or split in self.splits

    def compute(self, judged: Any) -> Any:
        """Its numbers (b,) for a `Judged` batch; None where the batch lacks what it needs."""
        if self.function is None or any(getattr(judged, need) is None for need in self.needs):
            return None
        function = pkgutil.resolve_name(self.function) if isinstance(self.function, str) else self.function
        return function(judged)


MISSING = {  # why a score is empty, by what of `Judged` is missing; what is not listed leaves no empty column
    "truth": "the source has no true try-on of this split",
    "true_flow": "the source has no true flow of this split",
    "regions": "the test set has no parse maps, or none that shows such a region",
}
_WITH_TRUTH = {"shown": (PAIRED,), "needs": ("image", "truth")}
_WITH_TEACHER = {"shown": (), "needs": ("image", "teacher")}
_PRESERVED = {
    "splits": (UNPAIRED,),
    "shown": (),
    "needs": ("image", "regions"),
    "empty": MISSING["regions"],
}
_GARMENT = {
    "splits": (UNPAIRED,),
    "shown": (),
    "needs": ("image",),
    "empty": "every garment is warped out of the picture",
}
_OF_A_SET = {"splits": (UNPAIRED,)}  # between all try-ons and real photographs, `vtryon.metrics.realism`
_COST = {"splits": ("cost",)}
_LATENCY = {"splits": ("latency",)}
_SPEED = {"splits": ("speed",)}

_BUILT_IN = (
    Metric("ssim", "max", "", "SSIM", 4, function=attrgetter("to_truth.ssim"), **_WITH_TRUTH),
    Metric(
        "psnr",
        "max",
        "dB",
        "PSNR",
        2,
        function=attrgetter("to_truth.psnr"),
        empty="each try-on is its truth to the pixel, so that its PSNR is infinite",
        **_WITH_TRUTH,
    ),
    Metric("mse", "min", "squared 8-bit steps", "MSE", 1, function=attrgetter("to_truth.mse"), **_WITH_TRUTH),
    Metric(
        "epe",
        "min",
        "pixels",
        "EPE",
        2,
        shown=(PAIRED,),
        function=attrgetter("end_point_error"),
        needs=("true_flow",),
    ),
    Metric("ssim_to_teacher", "max", "", "SSIM to teacher", 4, function=attrgetter("to_teacher.ssim"), **_WITH_TEACHER),
    Metric(
        "mse_to_teacher",
        "min",
        "squared 8-bit steps",
        "MSE to teacher",
        1,
        function=attrgetter("to_teacher.mse"),
        **_WITH_TEACHER,
    ),
    Metric(
        "lpips",
        "min",
        "",
        "LPIPS",
        4,
        shown=(PAIRED,),
        function=attrgetter("to_truth_by_lpips"),
        needs=("image", "truth", "lpips"),
    ),
    Metric("preserved_ssim", "max", "", "preserved SSIM", 4, function=attrgetter("preserved.ssim"), **_PRESERVED),
    Metric("preserved_hair_face", "max", "", "hair, face", 4, function=attrgetter("preserved.hair_face"), **_PRESERVED),
    Metric("preserved_lower", "max", "", "lower clothes", 4, function=attrgetter("preserved.lower"), **_PRESERVED),
    Metric("garment_de", "min", "CIE 1976 dE", "garment dE", 2, function=attrgetter("garment.de"), **_GARMENT),
    Metric("garment_ssim", "max", "", "garment SSIM", 4, function=attrgetter("garment.ssim"), **_GARMENT),
    Metric("fid", "min", "", "FID", 2, shown=(UNPAIRED,), **_OF_A_SET),
    Metric("kid", "min", "", "KID", shown=(), **_OF_A_SET),
    Metric("fd_efficientnet", "min", "", "FD effnet", 2, shown=(UNPAIRED,), **_OF_A_SET),
    Metric("kid_efficientnet", "min", "", "KD effnet", shown=(), **_OF_A_SET),
    Metric("total", "min", "", "loss", splits=("train", VALIDATION), shown=()),
    Metric("loss", "min", "", "loss", splits=("train", VALIDATION), shown=()),
    Metric("params_m", "min", "million", "params", **_COST),
    Metric("gmacs", "min", "10^9 multiply-accumulates", "GMACs", **_COST),
    Metric("correlation_gmacs", "min", "10^9 multiply-accumulates", "correlation GMACs", **_COST),
    Metric("mib", "min", "MiB", "size", **_COST),
    Metric("median_ms", "min", "ms", "time", **_LATENCY),
    Metric("p90_ms", "min", "ms", "time, p90", **_LATENCY),
    Metric("samples_per_s", "max", "samples/s", "throughput", splits=("speed/fit", "speed/test")),
    Metric("peak_rss_mib", "min", "MiB", "peak memory", **_SPEED),
    Metric("peak_gpu_mib", "min", "MiB", "peak GPU memory", **_SPEED),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _BUILT_IN}


def register(metric: Metric) -> Metric:
    """Add a metric of one's own, before the run is built.

    Raises:
        ValueError: its name is taken.
    """
    if metric.name in METRICS:
        raise ValueError(f"metric {metric.name!r} is registered already; take another name")
    METRICS[metric.name] = metric
    return metric


def metric_of(key: str) -> Metric | None:
    """The entry of a key such as "paired/ssim" or "cwm/gmacs"; None where it is not registered."""
    return METRICS.get(key.rpartition("/")[2])


def direction(key: str) -> str | None:
    """The better end of a score: "min", "max", or None where neither is, as of every name that is not registered.

    Example:
        >>> direction("paired/ssim"), direction("unpaired/mse_to_teacher"), direction("epoch")
        ('max', 'min', None)
    """
    metric = metric_of(key)
    return None if metric is None else metric.direction


def sample_metrics(split: str | None = None) -> Iterator[Metric]:
    """The metrics of single samples, in the order of the columns of RUN/samples.csv; with `split` those that it has."""
    for metric in METRICS.values():
        if metric.function is not None and (split is None or metric.measured_in(split)):
            yield metric


def in_main_table(key: str) -> bool:
    """Whether the main table has a column for a score; a name that is not registered has one.

    Example:
        >>> in_main_table("paired/ssim"), in_main_table("unpaired/ssim"), in_main_table("val/ssim")
        (True, False, False)
    """
    metric, split = metric_of(key), key.rpartition("/")[0]
    shown = None if metric is None else metric.shown
    return split != VALIDATION if shown is None else split in shown


def summary_keys(splits: Iterable[str]) -> list[str]:
    """The keys under which a run may log: every metric in each of its splits.

    Args:
        splits: validation and the splits of the test.
    """
    splits = list(splits)
    return [f"{split}/{metric.name}" for metric in METRICS.values() for split in metric.splits or splits]


def unregistered(keys: Iterable[str]) -> str:
    """The warning for scores whose name is not registered; "" where all are."""
    names = sorted({key.rpartition("/")[2] for key in keys if metric_of(key) is None})
    if not names:
        return ""
    return (
        f"not in the registry of metrics: {', '.join(names)}. Neither end of such a score counts as the better one; "
        "add an entry to vtryon/metrics/registry.py, or call vtryon.metrics.registry.register before the run"
    )
