"""Loops of our own, compiled for the CPU at hand (numba)."""

from collections.abc import Callable
from inspect import unwrap

from numba import njit

ORDER = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; but what is no number stays none


def compiled(loop: Callable) -> Callable:
    """`loop` itself, without the checks that tests wrap around every function; it runs beside other threads."""
    return njit(nogil=True, fastmath=ORDER, error_model="numpy", cache=True)(unwrap(loop))
