"""A network in OpenVINO on the CPU, called with tensors."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import openvino
import torch
from torch import Tensor, nn

from vtryon.deploy.runtime.arrays import Answers
from vtryon.deploy.runtime.openvino_arrays import OpenVINOArrays
from vtryon.deploy.runtime.openvino_core import core
from vtryon.deploy.runtime.openvino_graph import openvino_graph
from vtryon.deploy.runtime.protocol import Batch, ImageFlow, arrays_of
from vtryon.models.flow import sample
from vtryon.models.tryon import TryOn, TryOnNet


class OpenVINORuntime:
    """A `vtryon.deploy.runtime.protocol.Runtime` of a model, with as many threads as torch has unless told.

    The other arguments are those of `OpenVINOArrays`.
    """

    def __init__(self, model: openvino.Model, *arguments: Any, threads: int | None = None, **options: Any):
        self.arrays = OpenVINOArrays(model, *arguments, threads=threads or torch.get_num_threads(), **options)

    def __call__(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> ImageFlow:
        return _tensors(self.arrays(*arrays_of((person, cloth, cloth_edge))))

    def stream(self, batches: Iterable[Batch]) -> Iterator[ImageFlow]:
        return map(_tensors, self.arrays.stream(map(arrays_of, batches)))

    def convolutions(self) -> dict[str, int]:
        return self.arrays.convolutions()


class OpenVINOTryOnNet(nn.Module):
    """A network in OpenVINO that is called like a torch network: tested, scored and drawn as one.

    Its `TryOn` holds image, flow and warped garment; an exported model gives neither rendered person nor mask.

    Args:
        model: of `openvino_graph`, quantized or not.
        net: the network that it was made of.
        size: (height, width).
        batch: the largest number of pictures at once.
        precision: as `OpenVINOArrays` takes it.
    """

    def __init__(
        self, model: openvino.Model, net: TryOnNet, size: tuple[int, int], batch: int, precision: str = "int8"
    ):
        super().__init__()
        self.model, self.precision = model, precision
        self.float_net = [net]  # in a list, so that its weights are not counted as this module's
        self.runtime = OpenVINORuntime(model.clone(), precision, size, batch)
        self.mib: float | None = None  # of the weights, once they are saved

    @torch.no_grad()
    def forward(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> TryOn:
        """As `TryOnNet`."""
        image, flow = self.runtime(person.cpu(), cloth.cpu(), cloth_edge.cpu())
        image, flow = image.to(person.device), flow.to(person.device)
        warped, edge = sample(cloth * cloth_edge, flow), sample(cloth_edge, flow, padding="zeros")
        return TryOn(image, warped, edge, None, None, flow, (), (), ())

    def save(self, path: Path, half: bool = False) -> float:
        """Write PATH (.xml) and its weights beside it (.bin); returns the MiB of the weights."""
        path.parent.mkdir(parents=True, exist_ok=True)
        openvino.save_model(self.model, path, compress_to_fp16=half)
        self.mib = path.with_suffix(".bin").stat().st_size / 2**20
        return self.mib


def openvino_of(source: TryOnNet | Path, size: tuple[int, int]) -> openvino.Model:
    """The model of a file, or of a network with any number of pictures."""
    return core().read_model(source) if isinstance(source, Path) else openvino_graph(source, size, batch=None)


def _tensors(answers: Answers) -> ImageFlow:
    return ImageFlow(*map(torch.from_numpy, answers))
