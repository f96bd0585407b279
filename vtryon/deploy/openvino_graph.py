"""A try-on network as an OpenVINO model, converted from torch without a file between."""

import warnings
from collections.abc import Sequence

import openvino
import torch
from torch import Tensor, nn

from vtryon.deploy.onnx_graph import onnx_graph
from vtryon.deploy.openvino_core import core
from vtryon.deploy.pictures import INPUTS, OUTPUTS, exportable
from vtryon.nn.quantised import Int8TryOnNet
from vtryon.nn.tryon import TryOnNet


def openvino_graph(net: TryOnNet, size: tuple[int, int], batch: int | None = 1) -> openvino.Model:
    """The model for pictures of (height, width); `batch` None leaves their number open."""
    if isinstance(net, Int8TryOnNet):  # what training rounded reads best from ONNX
        return core().read_model(onnx_graph(net, size, batch).SerializeToString(), b"")
    example = torch.zeros(batch or 2, 3, *size)  # 2, because ones are folded away
    shapes = [[batch or -1, 1 if name == "cloth_edge" else 3, *size] for name in INPUTS]
    model = converted(exportable(net), (example, example, example[:, :1]), shapes)
    for ports, names in ((model.inputs, INPUTS), (model.outputs, OUTPUTS)):
        for port, name in zip(ports, names, strict=True):
            port.get_tensor().set_names({name})
    return model


def converted(module: nn.Module, example: tuple[Tensor, ...], shapes: Sequence[Sequence[int]]) -> openvino.Model:
    """A module that takes tensors of `shapes`, -1 where any number will do."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shapes that a trace fixes, which is meant; the result is checked
        traced = torch.jit.trace(module, example, check_trace=False)  # checking would be three passes more
        return openvino.convert_model(traced, input=list(shapes))
