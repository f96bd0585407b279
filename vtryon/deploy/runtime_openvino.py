"""A network in OpenVINO on the CPU, with its arithmetic said aloud: left alone, it takes bf16 where the CPU has it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from torch import Tensor

from vtryon.deploy.openvino_core import core
from vtryon.deploy.openvino_graph import openvino_graph
from vtryon.deploy.pictures import INPUTS
from vtryon.deploy.runtime import Answer, Batch, filled
from vtryon.nn.tryon import TryOnNet

HINTS = {"f32": "f32", "bf16": "bf16", "int8": "f32"}  # of what is not quantised
INT8 = {"i8", "I8", "u8", "U8"}


class OpenVINORuntime:
    """As `vtryon.deploy.runtime.Runtime`."""

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

    def __call__(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> Answer:
        self.request.infer(filled((person, cloth, cloth_edge), self.batch), share_inputs=True)
        return self._answer(self.request, len(person))

    def stream(self, batches: Iterable[Batch]) -> Iterator[Answer]:
        queue = openvino.AsyncInferQueue(self.compiled, self.streams)
        found: dict[int, Answer] = {}
        queue.set_callback(lambda request, job: found.__setitem__(job[0], self._answer(request, job[1])))
        waiting, number = iter(batches), 0
        while some := list(islice(waiting, 4 * self.streams)):
            for batch in some:
                queue.start_async(filled(batch, self.batch), (number, len(batch[0])))
                number += 1
            queue.wait_all()
            yield from (found.pop(each) for each in range(number - len(some), number))

    def convolutions(self) -> dict[str, int]:
        nodes = (node.get_rt_info() for node in self.compiled.get_runtime_model().get_ops())
        # the primitive's name ends in the type it computes in; "runtimePrecision" is the type its weights are kept in
        kinds = [
            _text(info, "primitiveType").rsplit("_")[-1] for info in nodes if _text(info, "layerType") == "Convolution"
        ]
        return dict(Counter("int8" if kind in INT8 else kind for kind in kinds))

    def _answer(self, request: Any, count: int) -> Answer:
        outputs = (request.get_output_tensor(index).data[:count].copy() for index in (0, 1))
        return Answer(*(torch.from_numpy(each.astype(np.float32, copy=False)) for each in outputs))


def openvino_of(source: TryOnNet | Path, size: tuple[int, int]) -> openvino.Model:
    """The model of a file, or of a network with any number of pictures."""
    return core().read_model(source) if isinstance(source, Path) else openvino_graph(source, size, batch=None)


def _text(info: openvino.RTMap, key: str) -> str:
    return info[key].astype(str) if key in info else ""
