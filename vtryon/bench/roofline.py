"""What this machine can do at most, measured beside what it did: no time below that is a result.

Ceilings are the best that plain products and copies reach within a second, on as many threads as the rest is measured
with: CPUs with matrix units have been seen to reach a third of their speed in the first runs. On a busy machine they
fall short of what it can do undisturbed, and so does everything measured with them.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch

SIDE = 1536  # of the matrices: three of float32 fill 27 MiB
COPY = 2**26  # bytes
SLACK = 1.1  # ceilings are measured too: a tenth beyond is noise, more is a mistake of the clock or of the count


class Ceilings(NamedTuple):
    """The most that was reached."""

    gflops: dict[str, float]  # 10^9 operations a second (two a multiply-accumulate) by type: f32, bf16, int8
    gbs: float  # 10^9 bytes a second, read and written, of a copy


def ceilings(seconds: float = 1.0) -> Ceilings:
    """Measure them on the CPU, with torch's threads; `seconds` for each type, and for the copy."""
    f32_factors, int8_factors = torch.rand(2, SIDE, SIDE), torch.randint(-64, 64, (2, SIDE, SIDE), dtype=torch.int8)
    bf16_factors, space = f32_factors.bfloat16(), torch.empty(2, COPY, dtype=torch.uint8)
    products = {
        "f32": lambda: torch.mm(*f32_factors),
        "bf16": lambda: torch.mm(*bf16_factors),
        "int8": lambda: torch._int_mm(*int8_factors),
    }
    work = 2 * SIDE**3 / 1e9
    return Ceilings(
        {name: work / _best(product, seconds) for name, product in products.items()},
        2 * COPY / 1e9 / _best(lambda: space[0].copy_(space[1]), seconds),
    )


def highest(*measurements: Ceilings) -> Ceilings:
    """The higher of several measurements, made before and after what they are to bound."""
    gflops = {kind: max(measured.gflops[kind] for measured in measurements) for kind in measurements[0].gflops}
    return Ceilings(gflops, max(measured.gbs for measured in measurements))


def floor_ms(ceiling: Ceilings, gflop: float, gbytes: float, kind: str = "f32") -> float:
    """The least time in which so many operations of a type and so many bytes can be had."""
    return 1e3 * max(gflop / ceiling.gflops[kind], gbytes / ceiling.gbs)


def verdict(ms: float, floor: float) -> str:
    """The share of the machine's limit that a time reaches.

    Example:
        >>> verdict(20.0, 5.0), verdict(4.0, 5.0)
        ('25 %', 'impossible')
    """
    return "impossible" if ms * SLACK < floor else f"{100 * min(floor / ms, 1):.0f} %"


def _best(run: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest run, of as many as fit, but at least two."""
    times: list[float] = []
    while len(times) < 2 or sum(times) < seconds:
        start_time = time.perf_counter()
        run()
        times.append(time.perf_counter() - start_time)
    return min(times)
