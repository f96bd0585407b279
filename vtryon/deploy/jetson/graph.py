"""A try-on network as the plain ONNX graph that a Jetson's TensorRT reads: opset 13, static, no GridSample."""

import numpy as np
import onnx
from onnx import helper, numpy_helper
from torch import nn

from vtryon.deploy.runtime.exportable import TENSORRT_OVERRIDES
from vtryon.deploy.runtime.onnx_graph import onnx_graph

OPSET = 13


def board_graph(net: nn.Module, size: tuple[int, int]) -> onnx.ModelProto:
    """`net` in eval mode on the CPU, for pictures of (height, width) from 64 up, batch 1."""
    return _with_shapes(_without_norms(onnx_graph(net, size, opset=OPSET, overrides=TENSORRT_OVERRIDES)))


def _without_norms(model: onnx.ModelProto) -> onnx.ModelProto:
    """Make a product and a sum of each norm that was not folded: TensorRT 8.2 reads norms in float32 alone."""
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
    initializers = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(initializers)
    return model


def _with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with types and shapes of all tensors."""
    del model.graph.value_info[:]
    return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
