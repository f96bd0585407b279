"""The two file formats of `vtryon export`, and how each keeps f32, f16 and int8 weights and the model's card."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper

from vtryon.deploy.export.pairs import Pair
from vtryon.deploy.export.post_training import quantize_onnx, quantize_openvino
from vtryon.deploy.runtime.onnx_graph import onnx_graph
from vtryon.deploy.runtime.openvino_graph import openvino_graph
from vtryon.models.tryon import TryOnNet

FEW = 64  # numbers that are not worth a narrower type


class ExportRequest(NamedTuple):
    """What is to be written."""

    net: TryOnNet
    size: tuple[int, int]  # (height, width)
    batch: int | None  # None for any number
    half: bool  # weights in f16
    pairs: Sequence[Pair] | None  # from which int8 learns its ranges; None does not quantize
    card: str


class ExportedFiles(NamedTuple):
    """The files of an export, and the operators in its graph."""

    backend: str  # of `vtryon.deploy.runtime.opening`
    files: tuple[Path, ...]  # the one to open first
    operators: dict[str, int]


def _onnx(request: ExportRequest, path: Path) -> ExportedFiles:
    model = onnx_graph(request.net, request.size, request.batch)
    if request.pairs is not None:
        model = quantize_onnx(model, request.net, request.pairs)
    if request.half:
        _narrow_weights(model)
    model.metadata_props.add(key="vtryon", value=request.card)
    path.write_bytes(model.SerializeToString(deterministic=True))
    operators = Counter(node.op_type for node in model.graph.node)
    return ExportedFiles("onnx", (path,), dict(operators.most_common()))


def _openvino(request: ExportRequest, path: Path) -> ExportedFiles:
    model = openvino_graph(request.net, request.size, request.batch)
    if request.pairs is not None:
        model = quantize_openvino(model, request.net, request.pairs)
    model.set_rt_info(request.card, ["vtryon", "card"])
    openvino.save_model(model, path, compress_to_fp16=request.half)
    operators = Counter(node.get_type_name() for node in model.get_ops())
    return ExportedFiles("openvino", (path, path.with_suffix(".bin")), dict(operators.most_common()))


FORMATS: dict[str, Callable[[ExportRequest, Path], ExportedFiles]] = {".onnx": _onnx, ".xml": _openvino}


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
