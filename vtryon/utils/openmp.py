"""Work shared out to the threads that torch has, instead of to others beside them.

torch's threads spin between two pieces of work, so that threads of one's own would find the cores taken. They belong
to the OpenMP runtime that comes with torch (libgomp, on Linux), which takes work from whoever calls it. Where torch
was built on another runtime, ordinary threads do it.
"""

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch

Job = Callable[[], object]
BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def shares(count: int) -> list[tuple[int, int]]:
    """`count` things in a row cut into as many shares as torch has threads: first, and first of the next.

    Example:
        >>> shares(1)
        [(0, 1)]
    """
    share_count = max(1, min(torch.get_num_threads(), count))
    edges = [count * index // share_count for index in range(share_count + 1)]
    return list(pairwise(edges))


def together(jobs: Sequence[Job]) -> None:
    """Do all of them, each on a thread; on its own runtime torch splits what a job asks it for no further.

    Raises:
        Exception: the first that a job raised, once all are done.
    """
    if len(jobs) == 1:
        jobs[0]()
        return
    failed: list[BaseException] = []
    runtime = _runtime()
    if runtime is None:
        with ThreadPoolExecutor(len(jobs)) as pool:
            list(pool.map(lambda job: _attempt(job, failed), jobs))
    else:

        def body(_: int | None) -> None:
            for job in jobs[runtime.omp_get_thread_num() :: runtime.omp_get_num_threads()]:
                _attempt(job, failed)

        runtime.GOMP_parallel(BODY(body), None, len(jobs), 0)
    if failed:
        raise failed[0]


def _attempt(job: Job, failed: list[BaseException]) -> None:
    try:
        job()
    except BaseException as error:  # nothing may pass through the runtime, which is written in C
        failed.append(error)


@cache
def _runtime() -> ctypes.CDLL | None:
    """torch's own copy, already loaded: another copy would have threads of its own."""
    for file in (Path(torch.__file__).parent / "lib").glob("libgomp*"):
        runtime = ctypes.CDLL(str(file))
        runtime.GOMP_parallel.argtypes = [BODY, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
        runtime.GOMP_parallel.restype = None
        return runtime
    return None
