"""How much memory a piece of work needs, told by the operating system of a process of its own (Linux)."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from vtryon.utils.pool import fresh_processes

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Footprint(NamedTuple):
    """Of one process."""

    extra_mib: float | None  # the most that the work took beyond what was there before; None where nobody tells
    peak_mib: float | None  # the most that the process ever took, interpreter and libraries included
    result: Any  # what the work returned


def footprint(prepare: Callable[..., Callable[[], Any]], *arguments: Any) -> Footprint:
    """Run `prepare(*arguments)()` in a new process and watch its second half.

    `prepare` is a function of a module, its arguments and what the work returns can be pickled. Where it loads torch,
    that takes as many threads as here.
    """
    with fresh_processes(1) as pool:
        return Footprint(*pool.apply(_watched, (prepare, arguments, torch_threads())))


def torch_threads(count: int | None = None) -> int | None:
    """Torch's threads, set to `count` where one is given; None where nobody has loaded torch, which takes 200 MiB."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    if count is not None:
        torch.set_num_threads(count)
    return torch.get_num_threads()


def peak_rss_mib() -> float | None:
    """The most memory that this process has held, workers not counted; None where the system does not tell."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _watched(prepare: Callable, arguments: tuple, threads: int | None) -> tuple:
    work = prepare(*arguments)
    torch_threads(threads)
    if not RESET.exists():
        return None, None, work()
    preparation_peak = _read("VmHWM")
    RESET.write_text("5")  # forget the peak so far
    resident_mib = _read("VmRSS")
    result = work()
    peak = _read("VmHWM")
    return max(peak - resident_mib, 0.0), max(preparation_peak, peak), result


def _read(key: str) -> float:
    """MiB of an entry of the process's status."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) / 2**10
