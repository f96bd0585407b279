"""The runtimes that a benchmark compares, each opened from files alone, as a user's process would open it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vtryon.deploy.export.pairs import Pair
from vtryon.deploy.runtime.exportable import ImageAndFlow
from vtryon.deploy.runtime.opening import BACKENDS, FILES, open_runtime
from vtryon.deploy.runtime.protocol import Batch, ImageFlow, Runtime
from vtryon.models.checkpoint import load_net
from vtryon.models.correlation.formulations import shifted

PLAIN = "plain"  # the network as torch runs it, with the papers' correlation


class Contender(NamedTuple):
    """A runtime, a file, and how many pictures at once."""

    backend: str
    file: str = "f32"  # precision of the file
    compute: str = "f32"  # as `open_runtime` takes it
    batch: int = 1
    streams: int = 1

    @classmethod
    def parse(cls, text: str) -> "Contender":
        """Read BACKEND[:PRECISION][:bN][:sN]; "int8+bf16" is an int8 file whose other operations run in bf16.

        Example:
            >>> Contender.parse("openvino:int8+bf16:b4:s2")
            Contender(backend='openvino', file='int8', compute='bf16', batch=4, streams=2)
        """
        backend, *options = text.split(":")
        if backend not in (PLAIN, *BACKENDS):
            raise ValueError(f"{text!r}: a way begins with one of {(PLAIN, *BACKENDS)}")
        precision, counts = "f32", {"b": 1, "s": 1}
        for option in options:
            if option[:1] in counts and option[1:].isdigit():
                counts[option[:1]] = int(option[1:])
            else:
                precision = option
        file, _, compute = precision.partition("+")
        return cls(backend, "int8" if file == "int8" else "f32", compute or file, counts["b"], counts["s"])

    @property
    def kind(self) -> str:
        """The narrowest type that it computes in."""
        return self.file if self.file == "int8" else self.compute

    def source(self, weights: Path, size: tuple[int, int], calibration: list[Pair]) -> Path:
        """The file from which it is opened: the network's own, or one that is exported beside it."""
        if self.backend not in FILES:
            return weights
        path = weights.with_name(f"{weights.stem}_{self.file}{FILES[self.backend]}")
        if not path.is_file():
            from vtryon.deploy.export.exporting import export  # not at the top: what is started needs none of it

            export(load_net(weights), path, size, self.file, calibration=calibration if self.file == "int8" else None)
        return path

    def open(self, source: Path, size: tuple[int, int], cache: Path | None = None) -> Runtime:
        """The network of `source`, ready to run."""
        if self.backend == PLAIN:
            return PlainRuntime(load_net(source))
        network = source if self.backend in FILES else load_net(source)
        return open_runtime(network, self.backend, self.compute, size, self.batch, None, self.streams, cache)


def empty_pictures(batch: int, size: tuple[int, int]) -> Batch:
    """Person, cloth and cloth_edge of zeros."""
    picture = torch.zeros(batch, 3, *size)
    return picture, picture, picture[:, :1]


class PlainRuntime:
    """A `Runtime` as in the papers: nothing folded, channels first, a correlation of 49 shifted products."""

    def __init__(self, net: nn.Module):
        self.net = ImageAndFlow(net, {torch.ops.vtryon.correlate: shifted})

    @torch.inference_mode()
    def __call__(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> ImageFlow:
        return ImageFlow(*self.net(person, cloth, cloth_edge))

    def stream(self, batches: Iterable[Batch]) -> Iterator[ImageFlow]:
        return (self(*batch) for batch in batches)

    def convolutions(self) -> dict[str, int]:
        return {"f32": sum(isinstance(module, nn.Conv2d) for module in self.net.modules())}
