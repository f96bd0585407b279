"""Keep other processes out while one works: a lock is held by a process, so that whatever ends the process frees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ModuleNotFoundError:  # Windows: processes are not kept apart
    fcntl = None


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[TextIO]:
    """Hold the file `path`, made if need be, and yield it: its text may tell others who holds it.

    Raises:
        BlockingIOError: another process holds it, where `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield file
