"""OpenVINO's shared core.

The CPU plugin of a core replaces the signal stack of the thread that first uses it, and restores the old one when the
core is freed. Two cores freed in the order in which they were made leave the thread with the first one's stack, which
no longer exists; the next signal, such as a data loader's worker that ends, kills the process (OpenVINO 2026.4). So the
process has one core, and work that makes its own runs in a thread of its own.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import openvino

Result = TypeVar("Result")


@cache
def core() -> openvino.Core:
    """The core that reads and compiles every model; it is never freed, and its CPU plugin is loaded."""
    return in_own_thread(_core_with_plugin)


def in_own_thread(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread of its own, whose signal stack goes when the work is done; returns its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _core_with_plugin() -> openvino.Core:
    shared = openvino.Core()
    shared.get_property("CPU", "FULL_DEVICE_NAME")  # any property loads the plugin
    return shared
