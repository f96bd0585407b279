"""Ways to run a network that a benchmark compares, each opened from files alone, as a user's process would open it."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vtryon.deploy.export import export
from vtryon.deploy.parity import Pair
from vtryon.deploy.pictures import Pictures
from vtryon.deploy.runtime import BACKENDS, FILES, Answer, Batch, Runtime, open_runtime
from vtryon.nn.checkpoint import load_net
from vtryon.nn.correlation_forms import shifted

PLAIN = "plain"  # the network as torch runs it, with the papers' correlation


class Way(NamedTuple):
    """A runtime, a file, and how many pictures at once."""

    backend: str
    file: str = "f32"  # precision of the file
    compute: str = "f32"  # as `open_runtime` takes it
    batch: int = 1
    streams: int = 1

    @classmethod
    def of(cls, word: str) -> "Way":
        """Read BACKEND[:PRECISION][:bN][:sN]; "int8+bf16" is an int8 file whose other operations run in bf16.

        Example:
            >>> Way.of("openvino:int8+bf16:b4:s2")
            Way(backend='openvino', file='int8', compute='bf16', batch=4, streams=2)
        """
        backend, *rest = word.split(":")
        if backend not in (PLAIN, *BACKENDS):
            raise ValueError(f"{word!r}: a way begins with one of {(PLAIN, *BACKENDS)}")
        numbers = {each[0]: int(each[1:]) for each in rest if each[0] in "bs" and each[1:].isdigit()}
        file, _, other = next((each for each in rest if not each[1:].isdigit()), "f32").partition("+")
        kept = file if file == "int8" else "f32"
        return cls(backend, kept, other or file, numbers.get("b", 1), numbers.get("s", 1))

    @property
    def kind(self) -> str:
        """The narrowest type that it computes in."""
        return self.file if self.file == "int8" else self.compute


def source_of(way: Way, weights: Path, size: tuple[int, int], calibration: list[Pair]) -> Path:
    """The file from which the way is opened: the network's own, or one exported beside it."""
    if way.backend not in FILES:
        return weights
    path = weights.with_name(f"{weights.stem}_{way.file}{FILES[way.backend]}")
    if not path.is_file():
        export(load_net(weights), path, size, way.file, calibration=calibration if way.file == "int8" else None)
    return path


def open_way(way: Way, source: Path, size: tuple[int, int], cache: Path | None = None) -> Runtime:
    """The network of `source`, ready to answer."""
    if way.backend == PLAIN:
        return Plain(load_net(source))
    network = source if way.backend in FILES else load_net(source)
    return open_runtime(network, way.backend, way.compute, size, way.batch, None, way.streams, cache)


def starting(way: Way, source: Path, size: tuple[int, int], cache: Path | None) -> Callable[[], float]:
    """Work that opens the network and lets it answer once, and returns the seconds until it was open."""
    batch = pictures_like(way.batch, size)

    def work() -> float:
        start = time.perf_counter()
        runtime = open_way(way, source, size, cache)
        seconds = time.perf_counter() - start
        runtime(*batch)
        return seconds

    return work


def pictures_like(batch: int, size: tuple[int, int]) -> Batch:
    picture = torch.zeros(batch, 3, *size)
    return picture, picture, picture[:, :1]


class Plain:
    """As `vtryon.deploy.runtime.Runtime`: nothing folded, channels first, a correlation of 49 shifted products."""

    def __init__(self, net: nn.Module):
        self.net = Pictures(net, {torch.ops.vtryon.correlate: shifted})

    @torch.inference_mode()
    def __call__(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> Answer:
        return Answer(*self.net(person, cloth, cloth_edge))

    def stream(self, batches: Iterable[Batch]) -> Iterator[Answer]:
        return (self(*batch) for batch in batches)

    def convolutions(self) -> dict[str, int]:
        return {"f32": sum(isinstance(module, nn.Conv2d) for module in self.net.modules())}
