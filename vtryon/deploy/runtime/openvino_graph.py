"""A try-on network as an OpenVINO model, converted from torch without a file between, and OpenVINO's shared core.

The CPU plugin of a core replaces the signal stack of the thread that first uses it, and restores the old one when the
core is freed. Two cores freed in the order in which they were made leave the thread with the first one's stack, which
no longer exists; the next signal, such as a data loader's worker that ends, kills the process (OpenVINO 2026.4). So the
process has one core, and work that makes its own runs in a thread of its own.
"""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import openvino
import torch
from torch import Tensor, nn

from vtryon.deploy.runtime.exportable import INPUTS, OUTPUTS, exportable
from vtryon.deploy.runtime.onnx_graph import onnx_graph
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet

Result = TypeVar("Result")


def openvino_graph(net: TryOnNet, size: tuple[int, int], batch: int | None = 1) -> openvino.Model:
    """The model for pictures of (height, width); `batch` None accepts any number of them."""
    if isinstance(net, Int8TryOnNet):  # OpenVINO reads the fake quantization of a trained network best from ONNX
        return core().read_model(onnx_graph(net, size, batch).SerializeToString(), b"")
    example = torch.zeros(batch or 2, 3, *size)  # 2, because a batch of 1 is folded away
    shapes = [[batch or -1, 1 if name == "cloth_edge" else 3, *size] for name in INPUTS]
    model = converted(exportable(net), (example, example, example[:, :1]), shapes)
    for ports, names in ((model.inputs, INPUTS), (model.outputs, OUTPUTS)):
        for port, name in zip(ports, names, strict=True):
            port.get_tensor().set_names({name})
    return model


def converted(module: nn.Module, example: tuple[Tensor, ...], shapes: Sequence[Sequence[int]]) -> openvino.Model:
    """The model of a module that takes tensors of `shapes`, -1 where any number will do."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shapes that a trace fixes, which is meant; the result is checked
        traced = torch.jit.trace(module, example, check_trace=False)  # checking would be three passes more
        return openvino.convert_model(traced, input=list(shapes))


@cache
def core() -> openvino.Core:
    """The core that reads and compiles every model; it is never freed, and its CPU plugin is loaded."""
    return in_own_thread(_core_with_plugin)


def in_own_thread(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread of its own, whose signal stack goes when the work is done; returns its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _core_with_plugin() -> openvino.Core:
    shared = openvino.Core()
    shared.get_property("CPU", "FULL_DEVICE_NAME")  # any property loads the plugin
    return shared
