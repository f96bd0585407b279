"""`vtryon bench correlation`: table 5, with every form of the correlation at every level.

The published table times a shifted loop (CorrTorch) and its unfolded rewrite (Img2Col) 1,000 and 10,000 times. Here all
forms run in turn on the features of the five levels of a 256x192 try-on. These are channels first, as convolutions
leave them, so a form that reads channels last pays for the conversion. Rows hold time, memory and share of the limit.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from rich.table import Table
from torch import Tensor, nn

from vtryon.bench.results import show
from vtryon.bench.roofline import Ceilings, ceilings, floor_ms, highest, verdict
from vtryon.models.correlation.cost_volume import FORMS, form
from vtryon.models.correlation.formulations import pieces, shifted
from vtryon.utils.latency import Latency, interleaved
from vtryon.utils.memory import footprint

LEVELS = ((8, 6), (16, 12), (32, 24), (64, 48), (128, 96))
CHANNELS, RADIUS = 256, 3
BASE = "shifted"  # CorrTorch
SLOW = {"unfolded": 10}  # forms that run so many times less often
IN_OPENVINO = {"openvino shifted": shifted, "openvino pieces": pieces} if find_spec("openvino") else {}


def main(runs: int = 100, out: Path | None = None) -> int:
    """Measure all forms of the correlation, print them, and write them as CSV to `out`."""
    rows = measure(runs)
    return show([table(rows)], rows, out)


def measure(runs: int = 100) -> list[dict[str, Any]]:
    """A row for each form at each level, and for the sum of the levels; forms that take seconds run less often."""
    limit = ceilings()
    measured = {level: _times(level, runs) for level in track(LEVELS, "levels", transient=True)}
    limit = highest(limit, ceilings())
    names = (*FORMS, *IN_OPENVINO)
    memory = {name: footprint(_prepared, name, LEVELS[-1]).extra_mib for name in track(names, "memory", transient=True)}
    return [row for level in (*LEVELS, None) for row in _rows(level, measured, memory, limit)]


def features(level: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Random garment and person features of a level."""
    return tuple(torch.randn(2, 1, CHANNELS, *level, generator=torch.Generator().manual_seed(0)))


def call(name: str, level: tuple[int, int]) -> Callable[[], Any]:
    """One correlation of the level by a form, ready to run."""
    first, second = features(level)
    if name in IN_OPENVINO:
        return _openvino_call(IN_OPENVINO[name], first, second)
    return partial(FORMS[name], first, second, RADIUS)


def _openvino_call(form: Callable, first: Tensor, second: Tensor) -> Callable[[], Any]:
    from vtryon.deploy.runtime.openvino_core import core
    from vtryon.deploy.runtime.openvino_graph import converted

    model = converted(_Correlation(form), (first, second), [list(first.shape)] * 2)
    config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    request = core().compile_model(model, "CPU", config).create_infer_request()
    return partial(request.infer, [first.numpy(), second.numpy()], share_inputs=True)


class _Correlation(nn.Module):
    def __init__(self, form: Callable):
        super().__init__()
        self.form = form

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.form(first, second, RADIUS)


def _times(level: tuple[int, int], runs: int) -> dict[str, Latency]:
    fast = [name for name in (*FORMS, *IN_OPENVINO) if name not in SLOW]
    times = interleaved({name: call(name, level) for name in fast}, warmup=2, repeats=runs)
    for name, divisor in SLOW.items():
        times |= interleaved({name: call(name, level)}, warmup=1, repeats=max(runs // divisor, 1))
    return times


def _prepared(name: str, level: tuple[int, int]) -> Callable[[], None]:
    """A run of the form on a level, its code compiled and its threads started on a smaller one."""
    call(name, LEVELS[2])()
    run = call(name, level)

    def without_result() -> None:
        run()

    return without_result


def _rows(level: tuple[int, int] | None, measured: dict, memory: dict, limit: Ceilings) -> Iterable[dict[str, Any]]:
    """A row for each form; without a level, of the sum of all levels."""
    chosen = LEVELS if level is None else (level,)
    base = sum(measured[level][BASE].median_ms for level in chosen)
    positions = sum(h * w for h, w in chosen)
    span = (2 * RADIUS + 1) ** 2
    gflop, gbytes = 2 * span * CHANNELS * positions / 1e9, 4 * (2 * CHANNELS + span) * positions / 1e9
    floor = floor_ms(limit, gflop, gbytes)
    for name in measured[chosen[0]]:
        times = [measured[level][name] for level in chosen]
        median, least = sum(time.median_ms for time in times), sum(time.min_ms for time in times)
        yield {
            "level": "sum" if level is None else f"{level[0]}x{level[1]}",
            "form": name,
            "chosen": name == form(features(chosen[0])[0]),
            "runs": times[0].repeats,
            "seconds": round(median * times[0].repeats / 1e3, 4),
            "median_ms": round(median, 3),
            "min_ms": round(least, 3),
            "fps": round(1e3 / median, 2),
            "acceleration": round(base / median, 3),
            "extra_mib": None if level not in (None, LEVELS[-1]) or memory[name] is None else round(memory[name], 1),
            "limit_ms": round(floor, 3),
            "of_limit": verdict(least, floor),
            "limit_gflops": round(limit.gflops["f32"]),
            "limit_gbs": round(limit.gbs, 1),
            "threads": times[0].threads,
            "load_before": round(times[0].load[0], 2),
            "load_after": round(times[-1].load[1], 2),
        }


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Rows for the terminal, the form that `correlate` chooses in bold."""
    shown = ("level", "form", "runs", "median_ms", "fps", "acceleration", "extra_mib", "of_limit")
    limit = f"{rows[0]['limit_gflops']} GFLOP/s in float32, {rows[0]['limit_gbs']} GB/s copied"
    formatted = Table(
        title="Correlation, 7x7 of 256 channels", caption=f"{limit}; acceleration over CorrTorch ({BASE})"
    )
    for name in shown:
        formatted.add_column(name.replace("_", " "), justify="left" if name in ("level", "form") else "right")
    for row in rows:
        style = "bold" if row["chosen"] else None
        formatted.add_row(*("" if row[name] is None else str(row[name]) for name in shown), style=style)
    return formatted
