"""How long each block of a network takes in OpenVINO, by the runtime's own counters."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import openvino
import torch

from vtryon.deploy.runtime.exportable import INPUTS
from vtryon.deploy.runtime.module_names import BLOCKS, block_of, module_of, module_of_node
from vtryon.deploy.runtime.openvino_graph import core
from vtryon.deploy.runtime.openvino_runtime import HINTS
from vtryon.utils.latency import BlockTimes, latency


def block_times(
    model: openvino.Model,
    size: tuple[int, int],
    precision: str = "f32",
    threads: int | None = None,
    repeats: int = 10,
) -> BlockTimes:
    """Time one try-on in OpenVINO on this machine's CPU, and what each block has of it.

    Args:
        model: of `openvino_graph`, quantized or not, for any number of pictures or for one.
        size: (height, width) of the pictures.
        precision: a key of `HINTS`: the type of what is not quantized.
        threads: of the runtime; None takes torch's.
        repeats: passes that are timed, after three that are not; the counters are read in others.
    """
    model = model.clone()
    model.reshape({name: [1, 1 if name == "cloth_edge" else 3, *size] for name in INPUTS})
    folded = {operation.get_friendly_name(): module_of_node(operation) for operation in model.get_ops()}
    inputs = [np.zeros(tuple(port.shape), np.float32) for port in model.inputs]
    plain, counted = (_request(model, precision, threads, counters) for counters in (False, True))
    whole = latency(lambda: plain.infer(inputs), repeats=repeats).median_ms
    for _ in range(3):
        counted.infer(inputs)
    passes = [_by_block(_counters(counted, inputs), folded) for _ in range(repeats)]
    return BlockTimes(whole, {block: float(np.median([times[block] for times in passes])) for block in BLOCKS})


def _request(model: openvino.Model, precision: str, threads: int | None, counters: bool) -> openvino.InferRequest:
    config = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "PERF_COUNT": counters,
    }
    return core().compile_model(model, "CPU", config).create_infer_request()


def _counters(request: openvino.InferRequest, inputs: list[np.ndarray]) -> Iterator[tuple[str, float]]:
    """Names of the operations in the order in which they ran, and their milliseconds."""
    request.infer(inputs)
    for operation in request.profiling_info:
        yield operation.node_name, operation.real_time.total_seconds() * 1e3


def _by_block(operations: Iterator[tuple[str, float]], folded: Mapping[str, str | None]) -> dict[str, float]:
    """An operation that is known by none of its names counts to the block of the one before it."""
    times, block = defaultdict(float), "rest"
    for name, milliseconds in operations:
        module = folded.get(name) if (named := module_of(name)) is None else named
        block = block if module is None else block_of(module)
        times[block] += milliseconds
    return times
