"""Loops of our own, compiled for the CPU at hand (numba)."""

from collections.abc import Callable
from inspect import unwrap

from numba import njit


def compiled(loop: Callable) -> Callable:
    """`loop` itself, without the checks that tests wrap around every function; it runs beside other threads."""
    return njit(nogil=True, fastmath=True, error_model="numpy", cache=True)(unwrap(loop))
