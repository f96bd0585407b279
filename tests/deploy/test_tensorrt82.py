"""What TensorRT 8.2 cannot read is refused by name."""

import onnx
import pytest
from onnx import TensorProto, helper

from vtryon.deploy.jetson.tensorrt82 import OPERATORS, check


def graph(*nodes, opset=13, kind=TensorProto.FLOAT, shape=(1, 3, 8, 8), constants=()):
    inputs = [helper.make_tensor_value_info("x", kind, shape)]
    made = helper.make_graph(list(nodes), "g", inputs, [helper.make_tensor_value_info("y", kind, shape)], constants)
    return onnx.shape_inference.infer_shapes(
        helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)]), strict_mode=True
    )


def constant(name, values, kind=TensorProto.FLOAT):
    return helper.make_tensor(name, kind, [len(values)], values)


def test_a_plain_graph_passes():
    check(graph(helper.make_node("Relu", ["x"], ["y"], "r")))


def test_a_newer_operator_is_named_with_its_node():
    flow = helper.make_tensor("flow", TensorProto.FLOAT, [1, 8, 8, 2], [0.0] * 128)
    model = graph(helper.make_node("GridSample", ["x", "flow"], ["y"], "look"), opset=16, constants=[flow])
    with pytest.raises(ValueError, match=r"16, allowed is ai.onnx up to 13.*GridSample \(look\) is not supported"):
        check(model)


def test_an_operator_of_another_domain_is_refused():
    model = graph(helper.make_node("Relu", ["x"], ["y"], "r"))
    model.graph.node[0].domain = "com.microsoft"
    with pytest.raises(ValueError, match="Relu"):
        check(model)


def test_64_bit_integers_may_be_constants_but_no_data():
    shape = constant("shape", [1, 3, 8, 8], TensorProto.INT64)
    check(graph(helper.make_node("Reshape", ["x", "shape"], ["y"], "r"), constants=[shape]))
    with pytest.raises(ValueError, match=r"Abs \(a\) on INT64 tensor x"):
        check(graph(helper.make_node("Abs", ["x"], ["y"], "a"), kind=TensorProto.INT64))


def test_a_batch_left_open_is_refused():
    with pytest.raises(ValueError, match="tensor x has no fixed shape"):
        check(graph(helper.make_node("Relu", ["x"], ["y"], "r"), shape=("n", 3, 8, 8)))


def test_a_resize_that_the_board_lacks_is_refused():
    def resize(mode):
        return graph(
            helper.make_node("Resize", ["x", "", "scales"], ["y"], "up", mode=mode),
            constants=[constant("scales", [1.0, 1.0, 1.0, 1.0])],
        )

    check(resize("linear"))
    with pytest.raises(ValueError, match=r"Resize \(up\): mode=cubic"):
        check(resize("cubic"))


def test_weights_must_be_constants():
    node = helper.make_node("Conv", ["x", "w"], ["y"], "c", kernel_shape=[1, 1])
    model = graph(node, constants=[helper.make_tensor("w", TensorProto.FLOAT, [3, 3, 1, 1], [0.0] * 9)])
    check(model)
    kernel = helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 3, 1, 1])
    del model.graph.initializer[:]
    model.graph.input.append(kernel)
    with pytest.raises(ValueError, match=r"Conv \(c\): input 1 must be a constant"):
        check(model)


@pytest.mark.parametrize("newer", ["GridSample", "Shrink", "Xor", "Mod", "NonZero", "OneHot", "Reciprocal", "Trilu"])
def test_the_table_holds_nothing_that_later_releases_brought(newer):
    assert newer not in OPERATORS


def test_every_entry_of_the_table_is_an_operator_of_onnx():
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history()}
    legacy = {"ImageScaler", "ParametricSoftplus", "ScaledTanh"}  # of ONNX before its first release
    assert set(OPERATORS) - legacy <= known
