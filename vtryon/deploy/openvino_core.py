"""OpenVINO's core, one for the process, and a thread for work that makes cores of its own.

The CPU plugin of a core gives the thread that first asks it another stack for signal handlers, and puts back what was
there when the core goes. Two cores that go in the order in which they came leave the first one's stack behind, which is
gone by then, and the next signal, such as a data loader's worker that ends, kills the process (OpenVINO 2026.4).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import openvino

Result = TypeVar("Result")


def apart(work: Callable[[], Result]) -> Result:
    """What `work` returns, done in a thread that ends with it and takes its signal stack along."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@cache
def core() -> openvino.Core:
    """The one that reads and compiles every model; it stays, and its CPU plugin is loaded."""
    return apart(_with_plugin)


def _with_plugin() -> openvino.Core:
    found = openvino.Core()
    found.get_property("CPU", "FULL_DEVICE_NAME")  # anything that loads it
    return found
