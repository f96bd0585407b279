"""`vtryon bench model`: whole networks on all runtimes, timed in turn (A B A B).

Every row is compared with the plain network, which computes the papers' correlation. A row also gives the difference
from the plain try-on, the types in which convolutions ran, the seconds to start from a warm cache, the memory, and the
share of the machine's limit that the time reaches: a time below that limit is called impossible, not fast.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.progress import track
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from vtryon.bench import starting
from vtryon.bench.contenders import PLAIN, Contender, PlainRuntime
from vtryon.bench.results import show
from vtryon.bench.roofline import Ceilings, ceilings, floor_ms, highest, verdict
from vtryon.bench.structure import tenth
from vtryon.compression.pruning import Pruning
from vtryon.deploy.export.pairs import Pair, drawn_pairs
from vtryon.deploy.runtime.protocol import Runtime
from vtryon.deploy.source import RELEASED_SIZE, open_net
from vtryon.metrics.cost import cost
from vtryon.metrics.image_similarity import image_similarity
from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import save_net
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet
from vtryon.utils.image import to_uint8
from vtryon.utils.latency import Latency, interleaved
from vtryon.utils.memory import Footprint, footprint

WAYS = ("torch", "torch:bf16", "onnx", "onnx:int8", "openvino", "openvino:bf16", "openvino:int8", "openvino:int8+bf16")
FULL = "full width, plain"  # timed in turn with every network of the same size
TENTHS = {"tenth": {}, "tenth_coarse": {"warp.flow_levels": 4}}
PAIRS, CALIBRATION = 16, 64  # procedural; calibration pairs are not among those that are compared


class Subject(NamedTuple):
    """A network to measure."""

    name: str
    weights: str  # "random" or "trained"
    net: TryOnNet
    size: tuple[int, int]


def main(
    runs: Sequence[Path],
    widths: Sequence[str],
    contender_names: Sequence[str] = WAYS,
    rounds: int = 10,
    out: Path | None = None,
) -> int:
    """Measure networks of runs, and of published widths with random weights, as each of the contenders."""
    rows, tables = [], []
    for subject in [*map(of_run, runs), *map(of_width, widths)]:
        with tempfile.TemporaryDirectory() as folder:
            compared = compare(subject, contender_names, rounds, Path(folder))
        tables.append(table(compared))
        rows += compared
    return show(tables, rows, out)


def of_width(width: str) -> Subject:
    """A network with random weights: PF-AFN as released, without the channels that table 3 prunes, or a tenth of it.

    "tenth" has the widths of `model=tenth` in `profile=full`; "tenth_coarse" lacks the finest of its flow levels.
    """
    torch.manual_seed(0)
    if width in TENTHS:
        return Subject(width, "random", tenth(TENTHS[width]), RELEASED_SIZE)
    net = TryOnNet(AFWM(), ResUnetGenerator(7)).eval()
    if width == "pruned":
        net = Pruning(0.4, ratios={"generator.*": 0.25})(net)
    return Subject(width, "random", net, RELEASED_SIZE)


def of_run(run: Path) -> Subject:
    """The network that a run has trained."""
    net, size = open_net(run, device="cpu")
    return Subject(run.name, "trained", net, size)


def compare(subject: Subject, contender_names: Sequence[str], rounds: int, folder: Path) -> list[dict[str, Any]]:
    """A row for each contender (`Contender.parse`), the plain one first; files are left in the empty `folder`."""
    contenders = {name: Contender.parse(name) for name in dict.fromkeys((PLAIN, *contender_names))}
    weights, cache, size = folder / "net.safetensors", folder / "cache", subject.size
    save_net(subject.net, weights)
    drawn = drawn_pairs(size, PAIRS + CALIBRATION)
    pairs, calibration = drawn[:PAIRS], drawn[PAIRS:]
    sources, runtimes, starts, images = {}, {}, {}, {}
    for name, contender in track(contenders.items(), f"{subject.name}: files", transient=True):
        sources[name] = contender.source(weights, size, calibration)
        runtimes[name] = contender.open(sources[name], size, cache)
    limit = ceilings()
    calls = {name: _call(runtimes[name], contender, pairs) for name, contender in contenders.items()}
    if size == RELEASED_SIZE:
        calls[FULL] = _call(PlainRuntime(of_width("full").net), contenders[PLAIN], pairs)
    times = interleaved(calls, 1, rounds)
    limit = highest(limit, ceilings())
    for name, contender in track(contenders.items(), f"{subject.name}: start and memory", transient=True):
        starts[name] = _start(contender, sources[name], size, cache)
        images[name] = _images(runtimes[name], contender, pairs)
    rows, gmacs = [], cost(subject.net, size)["gmacs"]
    for name, contender in contenders.items():
        gmacs_counted = gmacs
        if contender.backend == "torch" and not isinstance(subject.net, Int8TryOnNet):  # torch does not count int8
            gmacs_counted = gmacs_made(runtimes[name], pairs[0])
        rows.append(
            {
                "network": subject.name,
                "weights": subject.weights,
                "resolution": "x".join(map(str, size)),
                "gmacs": round(gmacs, 3),
                "way": name,
                "gmacs_made": round(gmacs_counted, 3),
                "mib": round(_bytes(sources[name]) / 2**20, 2),
                **_speed(times[name], times, contender, gmacs_counted, limit),
                **_quality(images[name], images[PLAIN]),
                "convolutions": " ".join(f"{count} {kind}" for kind, count in runtimes[name].convolutions().items()),
                "start_s": round(starts[name].result, 2),
                "peak_mib": None if starts[name].peak_mib is None else round(starts[name].peak_mib),
                "pairs": PAIRS,
            }
        )
    return rows


def _start(contender: Contender, source: Path, size: tuple[int, int], cache: Path) -> Footprint:
    """What it takes to start; OpenVINO's files do so without torch, as `vtryon tryon --run FILE.xml` does."""
    if contender.backend == "openvino":
        options = (contender.compute, contender.batch, contender.streams)
        return footprint(starting.exported_file, source, *options, cache)
    return footprint(starting.network, contender, source, size, cache)


def gmacs_made(runtime: Runtime, pair: Pair) -> float:
    """10^9 multiply-accumulates of matrix products, convolutions and correlation that torch really makes for a pair.

    The form of a network for inference makes fewer than its cost, from the second call on. The counter sees one
    thread, so all are made on one.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with FlopCounterMode(display=False) as counter:
            runtime(*pair)
    finally:
        torch.set_num_threads(threads)
    return counter.get_total_flops() / 2e9


def _call(runtime: Runtime, contender: Contender, pairs: Sequence[Pair]) -> Callable[[], object]:
    """A call with as many pictures as are computed at once."""
    batches = [_batch(pairs, contender.batch)] * contender.streams
    return (lambda: runtime(*batches[0])) if contender.streams == 1 else (lambda: list(runtime.stream(batches)))


def _batch(pairs: Sequence[Pair], count: int) -> tuple:
    chosen = [pairs[index % len(pairs)] for index in range(count)]
    return tuple(torch.cat(column) for column in zip(*chosen, strict=True))


def _speed(
    measured: Latency, times: Mapping[str, Latency], contender: Contender, gmacs: float, limit: Ceilings
) -> dict[str, Any]:
    """Milliseconds a picture, however many are computed at once, and how many times as fast as others that it is."""
    pictures_at_once = contender.batch * contender.streams

    def faster(name: str) -> float | None:
        return round(times[name].median_ms * pictures_at_once / measured.median_ms, 2) if name in times else None

    floor = floor_ms(limit, 2 * gmacs, 0, contender.kind)
    return {
        "min_ms": round(measured.min_ms / pictures_at_once, 2),
        "median_ms": round(measured.median_ms / pictures_at_once, 2),
        "p90_ms": round(measured.p90_ms / pictures_at_once, 2),
        "fps": round(1e3 * pictures_at_once / measured.median_ms, 2),
        "faster": faster(PLAIN),
        "faster_than_full": faster(FULL),
        "of_limit": verdict(measured.min_ms / pictures_at_once, floor),
        "limit_gflops": round(limit.gflops[contender.kind]),
        "repeats": measured.repeats,
        "threads": measured.threads,
        "load_before": round(measured.load[0], 2),
        "load_after": round(measured.load[1], 2),
    }


def _images(runtime: Runtime, contender: Contender, pairs: Sequence[Pair]) -> torch.Tensor:
    step = contender.batch
    batches = (_batch(pairs[first : first + step], step) for first in range(0, len(pairs), step))
    return torch.cat([result.image for result in runtime.stream(batches)])[: len(pairs)]


def _quality(images: torch.Tensor, plain: torch.Tensor) -> dict[str, float]:
    ssim = image_similarity(to_uint8(images), to_uint8(plain)).ssim.mean()
    return {"ssim_to_plain": round(float(ssim), 5), "max_off": float(f"{(images - plain).abs().max():.2g}")}


def _bytes(file: Path) -> int:
    files = (file, file.with_suffix(".bin")) if file.suffix == ".xml" else (file,)
    return sum(path.stat().st_size for path in files)


SHOWN = {  # column of the row: its heading on the terminal
    "way": "way",
    "mib": "MiB",
    "median_ms": "ms",
    "fps": "FPS",
    "faster": "faster",
    "faster_than_full": "than full",
    "of_limit": "of limit",
    "ssim_to_plain": "SSIM",
    "start_s": "start s",
    "peak_mib": "RAM MiB",
}


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Rows of one network for the terminal."""
    first, last = rows[0], rows[-1]
    shown = Table(
        title=f"{first['network']} ({first['weights']} weights), {first['resolution']}, {first['gmacs']} GMACs",
        caption=f"ms a picture, {first['threads']} threads, load {first['load_before']} to {last['load_after']}; "
        f"faster, and SSIM: against {PLAIN}; than full: against {FULL}",
    )
    for name, heading in SHOWN.items():
        shown.add_column(heading, justify="left" if name == "way" else "right", no_wrap=True, min_width=len(heading))
    for row in rows:
        shown.add_row(*(_brief(row[name]) for name in SHOWN))
    return shown


def _brief(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
