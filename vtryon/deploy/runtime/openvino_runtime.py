"""A network in OpenVINO on the CPU, in a type that is always named: by default it takes bf16 where the CPU has it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from torch import Tensor, nn

from vtryon.deploy.runtime.exportable import INPUTS
from vtryon.deploy.runtime.opening import Batch, ImageFlow, padded_arrays
from vtryon.deploy.runtime.openvino_graph import core, openvino_graph
from vtryon.models.flow import sample
from vtryon.models.tryon import TryOn, TryOnNet

HINTS = {"f32": "f32", "bf16": "bf16", "int8": "f32"}  # the type of operations that are not quantized
INT8 = {"i8", "I8", "u8", "U8"}


class OpenVINORuntime:
    """As `vtryon.deploy.runtime.opening.Runtime`."""

    def __init__(
        self,
        model: openvino.Model,
        precision: str = "f32",
        size: tuple[int, int] = (256, 192),
        batch: int = 1,
        threads: int | None = None,
        streams: int = 1,
        cache: Path | None = None,
    ):
        self.batch, self.streams = batch, streams
        model.reshape({name: [batch, 1 if name == "cloth_edge" else 3, *size] for name in INPUTS})
        config = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
            "NUM_STREAMS": streams,
        } | ({} if cache is None else {"CACHE_DIR": str(cache)})
        self.compiled = core().compile_model(model, "CPU", config)
        self.request = self.compiled.create_infer_request()

    def __call__(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> ImageFlow:
        self.request.infer(padded_arrays((person, cloth, cloth_edge), self.batch), share_inputs=True)
        return self._outputs(self.request, len(person))

    def stream(self, batches: Iterable[Batch]) -> Iterator[ImageFlow]:
        queue = openvino.AsyncInferQueue(self.compiled, self.streams)
        results: dict[int, ImageFlow] = {}
        queue.set_callback(lambda request, job: results.__setitem__(job[0], self._outputs(request, job[1])))
        remaining, number = iter(batches), 0
        while chunk := list(islice(remaining, 4 * self.streams)):
            for batch in chunk:
                queue.start_async(padded_arrays(batch, self.batch), (number, len(batch[0])))
                number += 1
            queue.wait_all()
            for index in range(number - len(chunk), number):
                yield results.pop(index)

    def convolutions(self) -> dict[str, int]:
        counts: Counter = Counter()
        for node in self.compiled.get_runtime_model().get_ops():
            info = node.get_rt_info()
            if _text(info, "layerType") == "Convolution":
                # the primitive's name ends in the type it computes in; "runtimePrecision" is that of its weights
                kind = _text(info, "primitiveType").rsplit("_")[-1]
                counts["int8" if kind in INT8 else kind] += 1
        return dict(counts)

    def _outputs(self, request: Any, count: int) -> ImageFlow:
        arrays = (request.get_output_tensor(index).data[:count].copy() for index in (0, 1))
        return ImageFlow(*(torch.from_numpy(array.astype(np.float32, copy=False)) for array in arrays))


class OpenVINOTryOnNet(nn.Module):
    """A network in OpenVINO that is called like a torch network: tested, scored and drawn as one.

    Its `TryOn` holds image, flow and warped garment; an exported model gives neither rendered person nor mask.

    Args:
        model: of `openvino_graph`, quantized or not.
        net: the network that it was made of.
        size: (height, width).
        batch: the largest number of pictures at once.
        precision: a key of `HINTS`.
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


def _text(info: openvino.RTMap, key: str) -> str:
    return info[key].astype(str) if key in info else ""
