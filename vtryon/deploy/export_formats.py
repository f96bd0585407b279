"""The two file formats of `vtryon export`, and how each keeps f32, f16 and int8 weights and the model's card."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper

from vtryon.deploy.onnx_graph import onnx_graph
from vtryon.deploy.onnx_int8 import quantise_onnx
from vtryon.deploy.openvino_graph import openvino_graph
from vtryon.deploy.parity import Pair
from vtryon.deploy.ptq import quantise
from vtryon.nn.tryon import TryOnNet

# Modules that stay float in int8: composition and flow, but for the widest convolutions of the flow, which bear it.
FLOAT = ("", "warp.aflow_net", "warp.aflow_net.netMain.*", "warp.aflow_net.netRefine.?.[1-6]")
FEW = 64  # numbers that are not worth a narrower type


class Order(NamedTuple):
    """What is to be written."""

    net: TryOnNet
    size: tuple[int, int]  # (height, width)
    batch: int | None  # None for any number
    half: bool  # weights in f16
    pairs: Sequence[Pair] | None  # to quantise with, or None
    card: str


class Written(NamedTuple):
    """What came of it on disk."""

    backend: str  # of `vtryon.deploy.runtime`
    files: tuple[Path, ...]  # the one to open first
    operators: dict[str, int]


def _onnx(order: Order, path: Path) -> Written:
    model = onnx_graph(order.net, order.size, order.batch)
    if order.pairs is not None:
        model = quantise_onnx(model, order.pairs)
    if order.half:
        _narrow_weights(model)
    model.metadata_props.add(key="vtryon", value=order.card)
    path.write_bytes(model.SerializeToString(deterministic=True))
    operators = Counter(node.op_type for node in model.graph.node)
    return Written("onnx", (path,), dict(operators.most_common()))


def _openvino(order: Order, path: Path) -> Written:
    model = openvino_graph(order.net, order.size, order.batch)
    if order.pairs is not None:
        model = quantise(model, order.pairs, FLOAT)
    model.set_rt_info(order.card, ["vtryon", "card"])
    openvino.save_model(model, path, compress_to_fp16=order.half)
    operators = Counter(node.get_type_name() for node in model.get_ops())
    return Written("openvino", (path, path.with_suffix(".bin")), dict(operators.most_common()))


FORMATS: dict[str, Callable[[Order, Path], Written]] = {".onnx": _onnx, ".xml": _openvino}


def _narrow_weights(model: onnx.ModelProto) -> None:
    """Store weights as float16, and widen each where it is read."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) > FEW:
            narrow, name = numpy_helper.to_array(tensor).astype(np.float16), tensor.name
            tensor.CopyFrom(numpy_helper.from_array(narrow, f"{name}/f16"))
            casts.append(helper.make_node("Cast", [f"{name}/f16"], [name], f"{name}/widen", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
