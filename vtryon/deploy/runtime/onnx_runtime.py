"""A network in ONNX Runtime on the CPU."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import onnx
import onnxruntime
import torch
from torch import Tensor

from vtryon.deploy.runtime.arrays import INPUTS, OUTPUTS, padded
from vtryon.deploy.runtime.onnx_graph import onnx_graph
from vtryon.deploy.runtime.protocol import Batch, ImageFlow, arrays_of
from vtryon.models.tryon import TryOnNet

CONVOLUTIONS = {"QLinearConv": "int8", "ConvInteger": "int8", "Conv": "f32", "FusedConv": "f32"}  # node: type


class OnnxRuntime:
    """A `Runtime`; `exact` runs the graph as it is written, without the runtime's changes."""

    def __init__(self, model: onnx.ModelProto, threads: int | None = None, streams: int = 1, exact: bool = False):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max((threads or torch.get_num_threads()) // streams, 1)
        if exact:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.streams = streams
        with tempfile.TemporaryDirectory() as folder:
            optimised = Path(folder, "optimised.onnx")
            options.optimized_model_filepath = str(optimised)
            options.log_severity_level = 3  # no warning that an optimised graph is for this machine alone
            self.session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            self._nodes = [node.op_type for node in onnx.load(optimised).graph.node if not _is_norm(node)]

    def __call__(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> ImageFlow:
        batch = self.session.get_inputs()[0].shape[0]  # a number, or the name of a batch of any size
        arrays = padded(arrays_of((person, cloth, cloth_edge)), batch if isinstance(batch, int) else len(person))
        outputs = self.session.run(list(OUTPUTS), dict(zip(INPUTS, arrays, strict=True)))
        return ImageFlow(*(torch.from_numpy(array[: len(person)]) for array in outputs))

    def stream(self, batches: Iterable[Batch]) -> Iterator[ImageFlow]:
        with ThreadPoolExecutor(self.streams) as pool:
            remaining = iter(batches)
            while chunk := list(islice(remaining, 4 * self.streams)):
                yield from pool.map(lambda batch: self(*batch), chunk)

    def convolutions(self) -> dict[str, int]:
        return dict(Counter(CONVOLUTIONS[node] for node in self._nodes if node in CONVOLUTIONS))


def onnx_of(source: TryOnNet | Path, size: tuple[int, int]) -> onnx.ModelProto:
    """The graph of a file, or of a network with any number of pictures."""
    return onnx.load(source) if isinstance(source, Path) else onnx_graph(source, size, batch=None)


def _is_norm(node: onnx.NodeProto) -> bool:
    """ONNX Runtime computes a norm that was not folded as a convolution of one channel a group."""
    return any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)
