"""How long one call takes, by one protocol for every backend.

Protocol: `warmup` calls unmeasured, then `repeats` calls one after the other, each timed alone with a monotonic clock
and, on CUDA, waited for on the device on both sides. The minimum is the machine undisturbed, the median what a user
sees, the 90th percentile what a queue feels. The machine's load average goes into the record: above the thread count
before the start, others were computing.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch


class Latency(NamedTuple):
    """Milliseconds a call, and what they were measured on."""

    min_ms: float
    median_ms: float
    p90_ms: float
    repeats: int
    threads: int  # of torch within one operation
    device: str  # "cpu", or the accelerator's name
    load: tuple[float, float]  # processes wanting a core, mean of the last minute, before and after; nan where unknown


class BlockTimes(NamedTuple):
    """Medians in milliseconds a call, and where they go."""

    whole: float  # by the clock
    blocks: dict[str, float]  # by the counters of the runtime, which slow it a little


def latency(
    run: Callable[[], object],
    warmup: int = 3,
    repeats: int = 10,
    device: str | torch.device = "cpu",
) -> Latency:
    """Time `run`, which computes on `device`."""
    return interleaved({"": run}, warmup, repeats, device)[""]


def try_on_latency(net: torch.nn.Module, size: tuple[int, int]) -> Latency:
    """Time one try-on of (height, width), f32, as torch runs it eagerly on the device of the network."""
    device = next(net.parameters()).device
    person, cloth = torch.rand(2, 1, 3, *size, device=device)
    edge = torch.ones(1, 1, *size, device=device)
    training = net.training
    with torch.inference_mode():
        measured = latency(lambda: net.eval()(person, cloth, edge), device=device)
    net.train(training)
    return measured


def interleaved(
    runs: Mapping[str, Callable[[], object]],
    warmup: int = 3,
    repeats: int = 10,
    device: str | torch.device = "cpu",
) -> dict[str, Latency]:
    """Time several calls in turn, A B A B, so that a machine that slows down slows all of them."""
    if repeats < 1 or warmup < 0:
        raise ValueError(f"repeats={repeats} must be at least 1 and warmup={warmup} at least 0")
    device = torch.device(device)
    load_before = _load()
    for _ in range(warmup):
        for run in runs.values():
            run()
    times = np.array([[_timed(run, device) for run in runs.values()] for _ in range(repeats)])
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    loads = (load_before, _load())
    return {
        key: Latency(*map(float, _three(column)), repeats, torch.get_num_threads(), name, loads)
        for key, column in zip(runs, times.T, strict=True)
    }


def _three(times: np.ndarray) -> tuple[float, float, float]:
    return times.min(), np.median(times), np.percentile(times, 90)


def _timed(run: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    start_time = time.perf_counter()
    run()
    _wait(device)
    return (time.perf_counter() - start_time) * 1e3


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
