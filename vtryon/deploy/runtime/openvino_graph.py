"""A try-on network as an OpenVINO model, converted from torch without a file between."""

import warnings
from collections.abc import Sequence

import openvino
import torch
from torch import Tensor, nn

from vtryon.deploy.runtime.arrays import INPUTS, OUTPUTS
from vtryon.deploy.runtime.exportable import exportable
from vtryon.deploy.runtime.onnx_graph import onnx_graph
from vtryon.deploy.runtime.openvino_core import core
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet


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
