"""A model in OpenVINO on the CPU, on arrays and without torch.

The type in which it computes is always named: by default OpenVINO takes bf16 where the CPU has it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from vtryon.deploy.runtime.arrays import INPUTS, Answers, Arrays, padded
from vtryon.deploy.runtime.openvino_core import core

HINTS = {"f32": "f32", "bf16": "bf16", "int8": "f32"}  # the type of operations that are not quantized
INT8 = {"i8", "I8", "u8", "U8"}


class OpenVINOArrays:
    """A model, ready to run.

    Args:
        model: with inputs and outputs of the names in `vtryon.deploy.runtime.arrays`; it is reshaped in place.
        precision: a key of `HINTS`.
        size: (height, width), fixed from here on, as `batch` is; a smaller batch is padded.
        threads: in all; None takes as many as OpenVINO does, one a core.
        streams: batches that are computed at the same time, each by its share of the threads.
        cache: folder of compiled models.
    """

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
            "INFERENCE_NUM_THREADS": threads or 0,
            "NUM_STREAMS": streams,
        } | ({} if cache is None else {"CACHE_DIR": str(cache)})
        self.compiled = core().compile_model(model, "CPU", config)
        self.request = self.compiled.create_infer_request()

    def __call__(self, *pictures: np.ndarray) -> Answers:
        """One batch, as `Arrays`."""
        self.request.infer(padded(pictures, self.batch), share_inputs=True)
        return _answers(self.request, len(pictures[0]))

    def stream(self, batches: Iterable[Arrays]) -> Iterator[Answers]:
        """Many batches; results come in their order."""
        queue = openvino.AsyncInferQueue(self.compiled, self.streams)
        results: dict[int, Answers] = {}
        queue.set_callback(lambda request, job: results.__setitem__(job[0], _answers(request, job[1])))
        remaining, number = iter(batches), 0
        while chunk := list(islice(remaining, 4 * self.streams)):
            for batch in chunk:
                queue.start_async(padded(batch, self.batch), (number, len(batch[0])))
                number += 1
            queue.wait_all()
            for index in range(number - len(chunk), number):
                yield results.pop(index)

    def convolutions(self) -> dict[str, int]:
        """How many convolutions are computed in which type, as the runtime itself reports."""
        counts: Counter = Counter()
        for node in self.compiled.get_runtime_model().get_ops():
            info = node.get_rt_info()
            if _text(info, "layerType") == "Convolution":
                # the primitive's name ends in the type it computes in; "runtimePrecision" is that of its weights
                kind = _text(info, "primitiveType").rsplit("_")[-1]
                counts["int8" if kind in INT8 else kind] += 1
        return dict(counts)


def _answers(request: Any, count: int) -> Answers:
    arrays = (request.get_output_tensor(index).data[:count].copy() for index in (0, 1))
    return Answers(*(array.astype(np.float32, copy=False) for array in arrays))


def _text(info: openvino.RTMap, key: str) -> str:
    return info[key].astype(str) if key in info else ""
