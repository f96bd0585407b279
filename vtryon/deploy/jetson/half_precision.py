"""A Jetson graph in half precision, the coordinates of its flow left in single precision.

float16 holds 11 bits: a coordinate near pixel 190 is known to an eighth of a pixel, and flows are sampled by flows ten
times. So all nodes from an offset to the index and the weights of a neighbour stay float32.

Tried and dropped: onnxconverter-common 1.16. It turns weights that half and single nodes share into float16 for both,
and the scales of Resize, so ONNX Runtime refuses its graph; it adds 537 Casts where 76 will do.
"""

from collections.abc import Iterable

import onnx
from onnx import TensorProto, helper, numpy_helper

COORDINATE = "coordinate"  # first part of the names of nodes that compute in float32


def coordinates(model: onnx.ModelProto) -> set[str]:
    """Outputs of the nodes that make coordinates: all inputs of a Floor, and of the weights of the pixels around it."""
    producers = {output: node for node in model.graph.node for output in node.output}
    floors = [node for node in model.graph.node if node.op_type == "Floor"]
    weights = [node for node in model.graph.node if node.op_type == "Sub" and _subtracts_floor(node, producers)]
    outputs: set[str] = set()
    queue = [*floors, *weights]
    while queue:
        node = queue.pop()
        if node.op_type == "Conv" or node.output[0] in outputs:
            continue
        outputs.update(node.output)
        queue += [producers[name] for name in node.input if name in producers]
    return outputs


def _subtracts_floor(node: onnx.NodeProto, producers: dict[str, onnx.NodeProto]) -> bool:
    """Whether the subtrahend was rounded down, and perhaps clamped after that."""
    subtrahend = producers.get(node.input[1])
    if subtrahend is None:
        return False
    names = (*subtrahend.input, *node.input)
    return any(producers[name].op_type == "Floor" for name in names if name in producers)


def name_coordinates(model: onnx.ModelProto) -> None:
    """Begin the names of the coordinates' nodes with `COORDINATE`, so that a builder can set their precision."""
    single = coordinates(model)
    for number, node in enumerate(model.graph.node):
        if single & set(node.output):
            node.name = f"{COORDINATE}_{number}_{node.op_type}"


def halve(model: onnx.ModelProto, single: Iterable[str]) -> onnx.ModelProto:
    """A copy in float16 but for the nodes that make `single`; inputs and outputs stay float32."""
    return _Halving(model, set(single)).model


def rounded(half: onnx.ModelProto) -> onnx.ModelProto:
    """The graph of `halve` in float32 arithmetic, with every tensor that was float16 rounded to it.

    It measures drift where half convolutions are slow or a runtime keeps more digits in silence; run it unoptimised.
    Sums inside a node stay exact, as in a TensorRT engine that adds in float32.
    """
    model, nodes = onnx.ModelProto(), []
    model.CopyFrom(half)
    kinds = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype("float32"), tensor.name))
    for node in [*model.graph.node]:
        nodes.append(node)
        name = node.output[0]
        if kinds.get(name) != TensorProto.FLOAT16:
            continue
        if node.op_type != "Cast":
            node.output[0] = f"{name}_exact"
            node = helper.make_node("Cast", [f"{name}_exact"], [name], to=TensorProto.FLOAT16)
            nodes.append(node)
        node.output[0] = f"{name}_rounded"
        nodes.append(helper.make_node("Cast", [f"{name}_rounded"], [name], to=TensorProto.FLOAT))
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    return model


class _Halving:
    """The conversion of one graph; `half` holds the names of the tensors that become float16."""

    def __init__(self, model: onnx.ModelProto, single: set[str]):
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        graph = self.graph = self.model.graph
        self.type = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.output)}
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.half = {name for node in graph.node if not single & set(node.output) for name in node.output}
        self.half = {name for name in self.half if self.type[name] == TensorProto.FLOAT}
        self.nodes: list[onnx.NodeProto] = []
        self.added: set[str] = set()
        for node in [*graph.node]:
            self._convert(node)
        for output in graph.output:
            self._widen_output(output.name)
        self._replace()

    def _convert(self, node: onnx.NodeProto) -> None:
        """Give a node inputs of the type that it computes in; a Cast to an index takes either type."""
        if node.op_type != "Cast":
            half = node.output[0] in self.half
            for index, name in enumerate(node.input):
                if not self._keeps_type(node, index):
                    node.input[index] = self._as(name, half)
        self.nodes.append(node)

    def _keeps_type(self, node: onnx.NodeProto, index: int) -> bool:
        """Scales of a Resize are float32 by definition; "" is no input at all."""
        return node.input[index] == "" or (node.op_type == "Resize" and index > 0)

    def _as(self, name: str, half: bool) -> str:
        if name in self.weights:
            return self._weight(name, half)
        floating = self.type.get(name, TensorProto.FLOAT) == TensorProto.FLOAT
        return self._cast(name, half) if floating and half != (name in self.half) else name

    def _weight(self, name: str, half: bool) -> str:
        tensor = self.weights[name]
        if not half or tensor.data_type != TensorProto.FLOAT:
            return name
        if name + "_half" not in self.added:
            value = numpy_helper.to_array(tensor).astype("float16")
            self.graph.initializer.append(numpy_helper.from_array(value, name + "_half"))
            self.added.add(name + "_half")
        return name + "_half"

    def _cast(self, name: str, half: bool) -> str:
        cast, to = (name + "_half", TensorProto.FLOAT16) if half else (name + "_single", TensorProto.FLOAT)
        if cast not in self.added:
            self.nodes.append(helper.make_node("Cast", [name], [cast], f"{cast}_Cast", to=to))
            self.added.add(cast)
        return cast

    def _widen_output(self, name: str) -> None:
        """Give an output of the graph in float32 under its name; the half tensor is renamed."""
        if name not in self.half:
            return
        for node in self.nodes:
            for names in (node.input, node.output):
                for index, tensor in enumerate(names):
                    names[index] = f"{name}_inside" if tensor == name else tensor
        self.nodes.append(helper.make_node("Cast", [f"{name}_inside"], [name], f"{name}_Cast", to=TensorProto.FLOAT))

    def _replace(self) -> None:
        used = {name for node in self.nodes for name in node.input}
        initializers = [tensor for tensor in self.graph.initializer if tensor.name in used]
        for field, values in ((self.graph.node, self.nodes), (self.graph.initializer, initializers)):
            del field[:]
            field.extend(values)
        del self.graph.value_info[:]
        self.model = onnx.shape_inference.infer_shapes(self.model, check_type=True, strict_mode=True)
