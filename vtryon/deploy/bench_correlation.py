"""Table 5 again, and more of it: every form of the correlation at every level, in time, memory and share of the limit.

The published table times a shifted loop (CorrTorch) and its unfolded rewrite (Img2Col) 1,000 and 10,000 times. Here all
forms go in turn on the features of the five levels of a 256x192 try-on, channels first as convolutions leave them, so
that a form that reads channels last pays for turning them.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from rich.progress import track
from rich.table import Table
from torch import Tensor, nn

from vtryon.deploy.benchmark import Latency, interleaved
from vtryon.deploy.footprint import footprint
from vtryon.deploy.roofline import Ceilings, ceilings, floor_ms, highest, verdict
from vtryon.nn.correlation import FORMS, form
from vtryon.nn.correlation_forms import pieces, shifted

LEVELS = ((8, 6), (16, 12), (32, 24), (64, 48), (128, 96))
CHANNELS, RADIUS = 256, 3
BASE = "shifted"  # CorrTorch
SLOW = {"unfolded": 10}  # forms that get a share of the runs
# as OpenVINO runs them, where it is installed
ENGINES = {"openvino shifted": shifted, "openvino pieces": pieces} if find_spec("openvino") else {}


def measure(runs: int = 100) -> list[dict[str, Any]]:
    """A row for each form at each level, and for the sum of the levels; forms that take seconds run less often."""
    before = ceilings()
    measured = {level: _times(level, runs) for level in track(LEVELS, "levels", transient=True)}
    limit = highest(before, ceilings())
    names = (*FORMS, *ENGINES)
    memory = {name: footprint(_prepared, name, LEVELS[-1]).extra_mib for name in track(names, "memory", transient=True)}
    return [row for level in (*LEVELS, None) for row in _rows(level, measured, memory, limit)]


def features(level: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Random garment and person features of a level."""
    return tuple(torch.randn(2, 1, CHANNELS, *level, generator=torch.Generator().manual_seed(0)))


def call(name: str, level: tuple[int, int]) -> Callable[[], Any]:
    """One correlation of the level by a form, ready to run."""
    first, second = features(level)
    if name in ENGINES:
        return _engine(ENGINES[name], first, second)
    return partial(FORMS[name], first, second, RADIUS)


def _engine(form: Callable, first: Tensor, second: Tensor) -> Callable[[], Any]:
    from vtryon.deploy.openvino_core import core
    from vtryon.deploy.openvino_graph import converted

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
    quick = [name for name in (*FORMS, *ENGINES) if name not in SLOW]
    found = interleaved({name: call(name, level) for name in quick}, warmup=2, repeats=runs)
    for name, share in SLOW.items():
        found |= interleaved({name: call(name, level)}, warmup=1, repeats=max(runs // share, 1))
    return found


def _prepared(name: str, level: tuple[int, int]) -> Callable[[], None]:
    """The form at work on the largest level, its code compiled and its threads started on a smaller one."""
    call(name, LEVELS[2])()
    run = call(name, level)
    return lambda: _forget(run())


def _forget(result: object) -> None:
    del result


def _rows(level: tuple[int, int] | None, measured: dict, memory: dict, limit: Ceilings) -> Iterable[dict[str, Any]]:
    """A row a form; without a level, of the sum of all."""
    chosen = LEVELS if level is None else (level,)
    base = sum(measured[one][BASE].median_ms for one in chosen)
    positions = sum(h * w for h, w in chosen)
    span = (2 * RADIUS + 1) ** 2
    gflop, gbytes = 2 * span * CHANNELS * positions / 1e9, 4 * (2 * CHANNELS + span) * positions / 1e9
    floor = floor_ms(limit, gflop, gbytes)
    for name in measured[chosen[0]]:
        times = [measured[one][name] for one in chosen]
        median, least = (sum(getattr(each, field) for each in times) for field in ("median_ms", "min_ms"))
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
    """Rows for the terminal, the form that `correlate` takes in bold."""
    shown = ("level", "form", "runs", "median_ms", "fps", "acceleration", "extra_mib", "of_limit")
    limit = f"{rows[0]['limit_gflops']} GFLOP/s in float32, {rows[0]['limit_gbs']} GB/s copied"
    found = Table(title="Correlation, 7x7 of 256 channels", caption=f"{limit}; acceleration over CorrTorch ({BASE})")
    for name in shown:
        found.add_column(name.replace("_", " "), justify="left" if name in ("level", "form") else "right")
    for row in rows:
        style = "bold" if row["chosen"] else None
        found.add_row(*("" if row[name] is None else str(row[name]) for name in shown), style=style)
    return found
