"""A network started as an application would start it, in a process of its own: its seconds and its memory.

Nothing is imported at the top, so that a file that needs no torch is measured without it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def network(contender: Any, source: Path, size: tuple[int, int], cache: Path) -> Callable[[], float]:
    """Work that opens the network of a `Contender` and runs it once, and returns the seconds until it was open."""
    from vtryon.bench.contenders import empty_pictures

    batch = empty_pictures(contender.batch, size)
    return _timed(lambda: contender.open(source, size, cache), lambda opened: opened(*batch))


def exported_file(file: Path, precision: str, batch: int, streams: int, cache: Path) -> Callable[[], float]:
    """The same of a file that OpenVINO runs on arrays."""
    import numpy as np

    from vtryon.deploy.exported import open_exported

    def run(exported: Any) -> None:
        picture = np.zeros((batch, 3, *exported.size), np.float32)
        exported.runtime(picture, picture, picture[:, :1])

    return _timed(lambda: open_exported(file, precision, batch, None, streams, cache), run)


def _timed(opens: Callable[[], Any], run: Callable[[Any], object]) -> Callable[[], float]:
    def work() -> float:
        begin = time.perf_counter()
        opened = opens()
        seconds = time.perf_counter() - begin
        run(opened)
        return seconds

    return work
