"""A pool of new processes that do not import the main script."""

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.pool import Pool
from types import ModuleType
from typing import Any


@contextmanager
def fresh_processes(count: int, prepare: Callable[..., object] | None = None, *arguments: Any) -> Iterator[Pool]:
    """Start `count` processes, each of which calls `prepare(*arguments)` first.

    A spawned process imports the main script. A script without a main guard would start the pool again there, without
    end, so the main script is hidden while the pool starts: jobs must be functions of modules.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        with multiprocessing.get_context("spawn").Pool(count, prepare, arguments) as pool:
            yield pool
    finally:
        sys.modules["__main__"] = main
