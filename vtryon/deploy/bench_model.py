"""Whole networks on all runtimes, timed in turn (A B A B), against the plain network with the papers' correlation.

A row also says how near its answer is to the plain one, in which types convolutions ran, how long a process takes to
start from a warm cache and how much memory it needs, and what share of the machine's limit the time reaches for the
products that were made: a time below that limit is called impossible, not fast.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from vtryon.deploy.bench_subject import Subject
from vtryon.deploy.bench_ways import PLAIN, Way, open_way, source_of, starting
from vtryon.deploy.benchmark import Latency, interleaved
from vtryon.deploy.footprint import footprint
from vtryon.deploy.parity import Pair, drawn_pairs
from vtryon.deploy.roofline import Ceilings, ceilings, floor_ms, highest, verdict
from vtryon.deploy.runtime import Runtime
from vtryon.metrics.cost import cost
from vtryon.metrics.likeness import likeness
from vtryon.nn.checkpoint import save_net
from vtryon.nn.image import to_uint8
from vtryon.nn.quantised import Int8TryOnNet

PAIRS, CALIBRATION = 16, 64  # procedural; no calibration pair is judged by


def compare(subject: Subject, words: Sequence[str], rounds: int, folder: Path) -> list[dict[str, Any]]:
    """A row for each way that `words` names, the plain one first; files are left in `folder`, an empty one."""
    ways = {word: Way.of(word) for word in dict.fromkeys((PLAIN, *words))}
    weights, cache, size = folder / "net.safetensors", folder / "cache", subject.size
    save_net(subject.net, weights)
    pairs = drawn_pairs(size, PAIRS + CALIBRATION)
    pairs, calibration = pairs[:PAIRS], pairs[PAIRS:]
    sources = {
        word: source_of(way, weights, size, calibration)
        for word, way in track(ways.items(), f"{subject.name}: files", transient=True)
    }
    runtimes = {word: open_way(way, sources[word], size, cache) for word, way in ways.items()}
    before = ceilings()
    times = interleaved({word: _call(runtimes[word], way, pairs) for word, way in ways.items()}, 1, rounds)
    limit = highest(before, ceilings())
    starts = {
        word: footprint(starting, way, sources[word], size, cache)
        for word, way in track(ways.items(), f"{subject.name}: start and memory", transient=True)
    }
    answers = {word: _images(runtime, ways[word], pairs) for word, runtime in runtimes.items()}
    gmacs = cost(subject.net, size)["gmacs"]
    made = dict.fromkeys(ways, gmacs)
    if not isinstance(subject.net, Int8TryOnNet):  # whose products torch's counter does not know
        made |= {word: gmacs_made(runtimes[word], pairs[0]) for word, way in ways.items() if way.backend == "torch"}
    return [
        {
            "network": subject.name,
            "weights": subject.weights,
            "resolution": "x".join(map(str, size)),
            "gmacs": round(gmacs, 3),
            "way": word,
            "gmacs_made": round(made[word], 3),
            "mib": round(_bytes(sources[word]) / 2**20, 2),
            **_speed(times[word], times[PLAIN], way, made[word], limit),
            **_quality(answers[word], answers[PLAIN]),
            "convolutions": " ".join(f"{count} {kind}" for kind, count in runtimes[word].convolutions().items()),
            "start_s": round(starts[word].said, 2),
            "peak_mib": None if starts[word].peak_mib is None else round(starts[word].peak_mib),
            "pairs": PAIRS,
        }
        for word, way in ways.items()
    ]


def gmacs_made(runtime: Runtime, pair: Pair) -> float:
    """10^9 multiply-accumulates of matrix products, convolutions and correlation that torch really makes for a pair.

    A network that is made quick makes fewer than it is said to cost, once it has been asked a first time. The counter
    sees one thread, which makes them all here.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with FlopCounterMode(display=False) as counter:
            runtime(*pair)
    finally:
        torch.set_num_threads(threads)
    return counter.get_total_flops() / 2e9


def _call(runtime: Runtime, way: Way, pairs: Sequence[Pair]) -> Callable[[], object]:
    """As many pictures as are computed at once."""
    batches = [_batch(pairs, way.batch)] * way.streams
    return (lambda: runtime(*batches[0])) if way.streams == 1 else (lambda: list(runtime.stream(batches)))


def _batch(pairs: Sequence[Pair], count: int) -> tuple:
    chosen = [pairs[index % len(pairs)] for index in range(count)]
    return tuple(torch.cat(column) for column in zip(*chosen, strict=True))


def _speed(found: Latency, plain: Latency, way: Way, gmacs: float, limit: Ceilings) -> dict[str, Any]:
    """Milliseconds a picture, however many are computed at once."""
    together = way.batch * way.streams
    floor = floor_ms(limit, 2 * gmacs, 0, way.kind)
    return {
        "min_ms": round(found.min_ms / together, 2),
        "median_ms": round(found.median_ms / together, 2),
        "p90_ms": round(found.p90_ms / together, 2),
        "fps": round(1e3 * together / found.median_ms, 2),
        "faster": round(plain.median_ms * together / found.median_ms, 2),
        "of_limit": verdict(found.min_ms / together, floor),
        "limit_gflops": round(limit.gflops[way.kind]),
        "repeats": found.repeats,
        "threads": found.threads,
        "load_before": round(found.load[0], 2),
        "load_after": round(found.load[1], 2),
    }


def _images(runtime: Runtime, way: Way, pairs: Sequence[Pair]) -> torch.Tensor:
    batches = (_batch(pairs[start : start + way.batch], way.batch) for start in range(0, len(pairs), way.batch))
    return torch.cat([answer.image for answer in runtime.stream(batches)])[: len(pairs)]


def _quality(said: torch.Tensor, plain: torch.Tensor) -> dict[str, float]:
    ssim = likeness(to_uint8(said), to_uint8(plain)).ssim.mean()
    return {"ssim_to_plain": round(float(ssim), 5), "max_off": float(f"{(said - plain).abs().max():.2g}")}


def _bytes(file: Path) -> int:
    parts = (file, file.with_suffix(".bin")) if file.suffix == ".xml" else (file,)
    return sum(part.stat().st_size for part in parts)


SHOWN = {  # column of the row: its heading on the terminal
    "way": "way",
    "mib": "MiB",
    "median_ms": "ms",
    "fps": "FPS",
    "faster": "faster",
    "of_limit": "of limit",
    "ssim_to_plain": "SSIM",
    "start_s": "start s",
    "peak_mib": "RAM MiB",
}


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Rows of one network for the terminal."""
    first, last = rows[0], rows[-1]
    found = Table(
        title=f"{first['network']} ({first['weights']} weights), {first['resolution']}, {first['gmacs']} GMACs",
        caption=f"ms a picture, {first['threads']} threads, load {first['load_before']} to {last['load_after']}; "
        f"faster, and SSIM: against {PLAIN}",
    )
    for name, heading in SHOWN.items():
        found.add_column(heading, justify="left" if name == "way" else "right", no_wrap=True, min_width=len(heading))
    for row in rows:
        found.add_row(*map(_brief, (row[name] for name in SHOWN)))
    return found


def _brief(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
