"""A try-on network as the plain ONNX graph that a Jetson's TensorRT reads: opset 13, static, no GridSample.

While the network is traced, sampling and correlation take the forms that the board knows; ONNX Runtime then computes
all that is constant. Tried and dropped: the newer exporter of torch writes opset 18 at least, and what the converter
to 13 makes of it holds 64-bit index arithmetic.
"""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vtryon.nn.flow_forms import gather_sample

OPSET = 13
INPUTS, OUTPUTS = ("person", "cloth", "cloth_edge"), ("image", "flow")


def board_graph(net: nn.Module, size: tuple[int, int]) -> onnx.ModelProto:
    """`net` in eval mode on the CPU, for pictures of (height, width) from 64 up, batch 1."""
    picture = torch.zeros(1, 3, *size)
    with tempfile.TemporaryDirectory() as folder:
        traced, folded = Path(folder, "traced.onnx"), Path(folder, "folded.onnx")
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fixed shapes and of the exporter's age; the result is checked
            torch.onnx.export(
                _Pictures(net).eval(),
                (picture, picture, picture[:, :1]),
                traced,
                input_names=INPUTS,
                output_names=OUTPUTS,
                opset_version=OPSET,
                dynamo=False,
            )
        _fold(traced, folded)
        return _named(_without_norms(onnx.load(folded)))


class _Pictures(nn.Module):
    """The two outputs that are wanted, by operations of the board."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, *pictures: Tensor) -> tuple[Tensor, Tensor]:
        with _BoardOperations():
            answer = self.net(*pictures)
        return answer.image, answer.flow


class _BoardOperations(TorchFunctionMode):
    """Sampling by gathers, correlation by shifted slices."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is F.grid_sample:
            return gather_sample(args[0], args[1].permute(0, 3, 1, 2), kwargs["padding_mode"])
        if func is torch.ops.vtryon.correlate:
            return _shifted(*args)
        return func(*args, **kwargs)


def _shifted(first: Tensor, second: Tensor, radius: int) -> Tensor:
    h, w = first.shape[2:]
    second, reach = F.pad(second, (radius,) * 4), range(2 * radius + 1)
    products = [(first * second[:, :, y : y + h, x : x + w]).mean(1, keepdim=True) for y in reach for x in reach]
    return torch.cat(products, dim=1)


def _fold(traced: Path, folded: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    onnxruntime.InferenceSession(str(traced), options, providers=["CPUExecutionProvider"])


def _without_norms(model: onnx.ModelProto) -> onnx.ModelProto:
    """Norms that no convolution swallowed become a product and a sum: TensorRT 8.2 reads norms in float32 alone."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type != "BatchNormalization":
            nodes.append(node)
            continue
        gain, shift, mean, variance = (numpy_helper.to_array(weights[name]) for name in node.input[1:])
        gain = gain / np.sqrt(variance + next(a.f for a in node.attribute if a.name == "epsilon"))
        for name, value in (("gain", gain), ("shift", shift - mean * gain)):
            value = value.reshape(1, -1, 1, 1).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(value, f"{node.name}/{name}"))
        scaled = f"{node.name}/scaled"
        nodes.append(helper.make_node("Mul", [node.input[0], f"{node.name}/gain"], [scaled], f"{node.name}/Mul"))
        nodes.append(helper.make_node("Add", [scaled, f"{node.name}/shift"], node.output[:1], f"{node.name}/Add"))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return model


def _named(model: onnx.ModelProto) -> onnx.ModelProto:
    """Only the one operator set that is used, types and shapes of all tensors, and our name as the producer."""
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    del model.graph.value_info[:]
    model.producer_name, model.producer_version = "vtryon", ""
    return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
