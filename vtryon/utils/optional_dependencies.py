"""Tool kits that are no requirement of the package: what needs them, and how to get one that is absent."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed(purpose: str, extra: str) -> Iterator[None]:
    """Import inside; a missing module is told with the extra that brings it."""
    try:
        yield
    except ImportError as error:
        raise ImportError(f'{error}; {purpose} needs it: pip install "vtryon[{extra}]"') from error
