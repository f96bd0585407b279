"""A Jetson graph in half precision, the coordinates of its flow left in single precision.

Half a float holds 11 bits: a place near pixel 190 is known to an eighth of a pixel, and flows are looked up in flows
ten times. So what leads from an offset to the index and the shares of a neighbour stays float32.
"""

from collections.abc import Iterable

import onnx
from onnx import TensorProto, helper, numpy_helper

COORDINATE = "coordinate"  # how the names of the nodes begin that shall compute in float32


def coordinates(model: onnx.ModelProto) -> set[str]:
    """Outputs of the nodes that make coordinates: what a Floor, or the share beside it, is computed from."""
    maker = {output: node for node in model.graph.node for output in node.output}
    before = [node for node in model.graph.node if node.op_type == "Floor"]
    found: set[str] = set()
    shares = [node for node in model.graph.node if node.op_type == "Sub" and _floored(node, maker)]
    waiting = [*before, *shares]
    while waiting:
        node = waiting.pop()
        if node.op_type == "Conv" or node.output[0] in found:
            continue
        found.update(node.output)
        waiting += [maker[name] for name in node.input if name in maker]
    return found


def _floored(node: onnx.NodeProto, maker: dict[str, onnx.NodeProto]) -> bool:
    """Whether something is subtracted that was rounded down and kept in bounds."""
    kept = maker.get(node.input[1])
    return kept is not None and any(
        maker[name].op_type == "Floor" for name in (*kept.input, *node.input) if name in maker
    )


def name_coordinates(model: onnx.ModelProto) -> None:
    """Begin the names of the coordinates' nodes with `COORDINATE`, for a builder that can be told their precision."""
    single = coordinates(model)
    for number, node in enumerate(model.graph.node):
        if single & set(node.output):
            node.name = f"{COORDINATE}_{number}_{node.op_type}"


def halve(model: onnx.ModelProto, single: Iterable[str]) -> onnx.ModelProto:
    """A copy in float16 but for the nodes that make `single`; inputs and outputs stay float32."""
    return _Halving(model, set(single)).model


def rounded(half: onnx.ModelProto) -> onnx.ModelProto:
    """What `halve` gave, in float32 arithmetic, with every tensor that was float16 rounded to it.

    So drift can be measured where half convolutions are slow, and where a runtime would quietly keep more digits; run
    it unoptimised. Sums inside a node stay exact, as in an engine that adds in float32.
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
    def __init__(self, model: onnx.ModelProto, single: set[str]):
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        graph = self.graph = self.model.graph
        self.type = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.output)}
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.half = {name for node in graph.node if not single & set(node.output) for name in node.output}
        self.half = {name for name in self.half if self.type[name] == TensorProto.FLOAT}
        self.nodes: list[onnx.NodeProto] = []
        self.made: set[str] = set()
        for node in [*graph.node]:
            self._convert(node)
        for output in graph.output:
            self._give_out(output.name)
        self._replace()

    def _convert(self, node: onnx.NodeProto) -> None:
        """Give a node inputs of the type that it computes in; a Cast to an index takes what there is."""
        if node.op_type != "Cast":
            half = node.output[0] in self.half
            wanted = [
                name if self._fixed(node, place) else self._as(name, half) for place, name in enumerate(node.input)
            ]
            del node.input[:]
            node.input.extend(wanted)
        self.nodes.append(node)

    def _fixed(self, node: onnx.NodeProto, place: int) -> bool:
        """Scales of a Resize are float32 by definition; "" is no input at all."""
        return node.input[place] == "" or (node.op_type == "Resize" and place > 0)

    def _as(self, name: str, half: bool) -> str:
        if name in self.weights:
            return self._weight(name, half)
        floating = self.type.get(name, TensorProto.FLOAT) == TensorProto.FLOAT
        return self._cast(name, half) if floating and half != (name in self.half) else name

    def _weight(self, name: str, half: bool) -> str:
        tensor = self.weights[name]
        if not half or tensor.data_type != TensorProto.FLOAT:
            return name
        if name + "_half" not in self.made:
            value = numpy_helper.to_array(tensor).astype("float16")
            self.graph.initializer.append(numpy_helper.from_array(value, name + "_half"))
            self.made.add(name + "_half")
        return name + "_half"

    def _cast(self, name: str, half: bool) -> str:
        made, to = (name + "_half", TensorProto.FLOAT16) if half else (name + "_single", TensorProto.FLOAT)
        if made not in self.made:
            self.nodes.append(helper.make_node("Cast", [name], [made], f"{made}_Cast", to=to))
            self.made.add(made)
        return made

    def _give_out(self, name: str) -> None:
        """An output keeps its name; inside it goes by another."""
        if name not in self.half:
            return
        for node in self.nodes:
            for names in (node.input, node.output):
                for place, other in enumerate(names):
                    names[place] = f"{name}_inside" if other == name else other
        self.nodes.append(helper.make_node("Cast", [f"{name}_inside"], [name], f"{name}_Cast", to=TensorProto.FLOAT))

    def _replace(self) -> None:
        used = {name for node in self.nodes for name in node.input}
        kept = [tensor for tensor in self.graph.initializer if tensor.name in used]
        for field, values in ((self.graph.node, self.nodes), (self.graph.initializer, kept)):
            del field[:]
            field.extend(values)
        del self.graph.value_info[:]
        self.model = onnx.shape_inference.infer_shapes(self.model, check_type=True, strict_mode=True)
