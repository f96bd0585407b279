"""How long each block of a network takes in OpenVINO, by the runtime's own counters."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import openvino
import torch

from vtryon.deploy.runtime.arrays import INPUTS
from vtryon.deploy.runtime.module_names import BLOCKS, block_of, module_of, module_of_node
from vtryon.deploy.runtime.openvino_arrays import HINTS
from vtryon.deploy.runtime.openvino_core import core
from vtryon.utils.latency import BlockTimes, latency


def block_times(
    models: Sequence[openvino.Model],
    size: tuple[int, int],
    precisions: Sequence[str],
    rounds: int = 12,
) -> list[BlockTimes]:
    """Time one try-on of each model in OpenVINO on this machine's CPU, and what each block has of it.

    The models are timed in turn (A B A B), so that a machine that slows down slows all of them.

    Args:
        models: of `openvino_graph`, quantized or not, for any number of pictures or for one.
        size: (height, width) of the pictures.
        precisions: keys of `HINTS`, one a model: the type of what is not quantized.
        rounds: in each, every model is run twice by the clock, the first time to warm up, and once with its counters.
    """
    timed = [_Timed(model, size, precision) for model, precision in zip(models, precisions, strict=True)]
    for _ in range(rounds):
        for each in timed:
            each.run()
    return [each.medians() for each in timed]


class _Timed:
    """A model compiled twice, without the runtime's counters and with them, and what both have measured."""

    def __init__(self, model: openvino.Model, size: tuple[int, int], precision: str):
        model = model.clone()
        model.reshape({name: [1, 1 if name == "cloth_edge" else 3, *size] for name in INPUTS})
        self.folded = {operation.get_friendly_name(): module_of_node(operation) for operation in model.get_ops()}
        self.inputs = [np.zeros(tuple(port.shape), np.float32) for port in model.inputs]
        self.plain, self.counted = (_request(model, precision, counters) for counters in (False, True))
        self.wholes: list[float] = []
        self.by_block: list[dict[str, float]] = []

    def run(self) -> None:
        self.plain.infer(self.inputs)
        self.wholes.append(latency(lambda: self.plain.infer(self.inputs), warmup=0, repeats=1).min_ms)
        self.counted.infer(self.inputs)
        self.by_block.append(self._blocks())

    def medians(self) -> BlockTimes:
        """Without the first round, whose memory was not there yet."""
        blocks = {block: float(np.median([times[block] for times in self.by_block[1:]])) for block in BLOCKS}
        return BlockTimes(float(np.median(self.wholes[1:])), blocks)

    def _blocks(self) -> dict[str, float]:
        """An operation that is known by none of its names counts to the block of the one before it."""
        times, block = defaultdict(float), "rest"
        for operation in self.counted.profiling_info:
            named = module_of(operation.node_name)
            module = self.folded.get(operation.node_name) if named is None else named
            block = block if module is None else block_of(module)
            times[block] += operation.real_time.total_seconds() * 1e3
        return times


def _request(model: openvino.Model, precision: str, counters: bool) -> openvino.InferRequest:
    config = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "PERF_COUNT": counters,
    }
    return core().compile_model(model, "CPU", config).create_infer_request()
