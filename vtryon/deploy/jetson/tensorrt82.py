"""The operators of TensorRT 8.2, the last release for a Jetson Nano (JetPack 4.6), and a check of graphs against them.

Facts: onnx-tensorrt, docs/operators.md of the 8.4 release less what its changelog says 8.4 added (Shrink, Xor).
"""

from collections.abc import Iterator

import onnx
from onnx import TensorProto

OPSET = 13  # the newest that is read
_TYPE = {
    "F": (TensorProto.FLOAT, TensorProto.FLOAT16),
    "I": (TensorProto.INT32,),
    "8": (TensorProto.INT8,),
    "B": (TensorProto.BOOL,),
}
_BY_TYPE = {  # operators by the types that they take
    "F": "Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization Ceil Celu ConstantOfShape Cos Cosh CumSum "
    "Dropout Einsum Erf Exp Floor GRU ImageScaler InstanceNormalization LRN LSTM Log LogSoftmax LpNormalization MatMul "
    "NonMaxSuppression Pow QuantizeLinear RNN RandomUniform RandomUniformLike ReduceL1 ReduceL2 ReduceLogSum "
    "ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Resize ReverseSequence Scan "
    "Sin Sinh Softmax Sqrt Tan TopK Upsample",
    "FI": "Abs Add DepthToSpace Div Equal Greater GreaterOrEqual IsNaN Less LessOrEqual Max Mean Min Mul Neg Range "
    "SpaceToDepth Sub Sum",
    "F8": "Clip Conv ConvTranspose Elu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool HardSigmoid LeakyRelu LpPool "
    "MaxPool PRelu ParametricSoftplus Relu Round ScaledTanh Selu Sigmoid Softplus Softsign Tanh ThresholdedRelu",
    "F8I": "AveragePool Gather GatherElements GatherND Pad Scatter ScatterElements ScatterND Sign",
    "FIB": "Expand EyeLike Flatten If Loop Split Tile Where",
    "FI8B": "Cast Concat Constant Identity Reshape Shape Size Slice Squeeze Transpose Unsqueeze",
    "8": "DequantizeLinear",
    "B": "And Not Or",
}
OPERATORS = {
    name: frozenset(t for key in types for t in _TYPE[key])
    for types, names in _BY_TYPE.items()
    for name in names.split()
}
_CONSTANT = {
    "Conv": (1,),
    "ConvTranspose": (1,),
    "Slice": (1, 2, 3, 4),
    "Pad": (1,),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
}
_RESIZE = {
    "mode": {b"nearest", b"linear"},
    "coordinate_transformation_mode": {
        *(b"half_pixel", b"pytorch_half_pixel", b"tf_half_pixel_for_nn", b"asymmetric", b"align_corners")
    },
    "nearest_mode": {b"floor", b"ceil", b"round_prefer_floor", b"round_prefer_ceil"},
}


def check(model: onnx.ModelProto) -> None:
    """Raise ValueError with all that TensorRT 8.2 would refuse; `model` with inferred shapes."""
    reasons = list(refusals(model))
    if reasons:
        omitted = f"; and {len(reasons) - 5} more" if len(reasons) > 5 else ""
        raise ValueError(f"TensorRT 8.2 cannot read this graph: {'; '.join(reasons[:5])}{omitted}")


def refusals(model: onnx.ModelProto) -> Iterator[str]:
    """Reasons why TensorRT 8.2 would refuse the graph, a line each."""
    for opset in model.opset_import:
        if opset.domain or opset.version > OPSET:
            yield f"operator set {opset.domain or 'ai.onnx'} {opset.version}, allowed is ai.onnx up to {OPSET}"
    graph, types = model.graph, _types(model.graph)
    constants = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        if node.domain or node.op_type not in OPERATORS:
            yield f"operator {node.op_type} ({node.name}) is not supported"
            continue
        yield from _wrong_types(node, types, constants)
        yield from _wrong_operands(node, constants)
    yield from _wrong_shapes(graph)


def _types(graph: onnx.GraphProto) -> dict[str, int]:
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values} | {
        tensor.name: tensor.data_type for tensor in graph.initializer
    }


def _wrong_types(node: onnx.NodeProto, types: dict[str, int], constants: set[str]) -> Iterator[str]:
    """64-bit integers are allowed in constants alone, where they are cast down."""
    for name in filter(None, (*node.input, *node.output)):
        kind = types.get(name, TensorProto.UNDEFINED)
        cast_down = kind == TensorProto.INT64 and name in constants
        if not cast_down and kind not in OPERATORS[node.op_type]:
            yield f"operator {node.op_type} ({node.name}) on {TensorProto.DataType.Name(kind)} tensor {name}"


def _wrong_operands(node: onnx.NodeProto, constants: set[str]) -> Iterator[str]:
    for index in _CONSTANT.get(node.op_type, ()):
        if index < len(node.input) and node.input[index] and node.input[index] not in constants:
            yield f"operator {node.op_type} ({node.name}): input {index} must be a constant"
    if node.op_type == "Resize":
        for attribute in node.attribute:
            if attribute.name in _RESIZE and attribute.s not in _RESIZE[attribute.name]:
                yield f"operator Resize ({node.name}): {attribute.name}={attribute.s.decode()}"


def _wrong_shapes(graph: onnx.GraphProto) -> Iterator[str]:
    for value in (*graph.input, *graph.value_info, *graph.output):
        shape = value.type.tensor_type.shape
        if not value.type.tensor_type.HasField("shape") or any(not dim.HasField("dim_value") for dim in shape.dim):
            yield f"tensor {value.name} has no fixed shape"
