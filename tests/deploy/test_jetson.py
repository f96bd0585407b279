"""What a Jetson is given: a graph it can read, that says what the network says."""

import ast
import hashlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from narrow import net_of
from onnx import TensorProto, helper, numpy_helper
from tiny_nets import tutor_net

from vtryon.deploy.jetson import tensorrt82
from vtryon.deploy.jetson.exporting import export_jetson
from vtryon.deploy.jetson.half_precision import COORDINATE, coordinates, halve, rounded
from vtryon.deploy.runtime import exportable as forms
from vtryon.models.afwm import AFWM
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet

pytestmark = pytest.mark.slow  # graphs of several thousand nodes
SIZE = (64, 96)  # sides that differ
SMALL = {"radius": 1, "channels": (4, 5, 6, 7, 8), "fpn_channels": 4, "flow_channels": (4, 4, 4)}


@pytest.fixture(scope="module")
def net():
    return net_of(ngf=2, **SMALL)


@pytest.fixture(scope="module")
def exported(net, tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    reports = {kind: export_jetson(net, folder / f"{kind}.onnx", SIZE, kind) for kind in ("f32", "f16")}
    return folder, reports


def load(exported, kind):
    return onnx.load(exported[0] / f"{kind}.onnx")


def elements(model):
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    return {value.name: value.type.tensor_type for value in values}


def pictures(seed):
    draw = torch.Generator().manual_seed(seed)
    person, cloth = (torch.rand(1, 3, *SIZE, generator=draw) * 2 - 1 for _ in range(2))
    return person, cloth, (torch.rand(1, 1, *SIZE, generator=draw) > 0.3).float()


def run(model, inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return session.run(["image", "flow"], {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)})


def test_the_file_says_what_the_network_says_on_pictures_it_was_not_checked_with(exported, net):
    model = load(exported, "f32")
    for seed in range(3):
        inputs = pictures(seed)
        with torch.no_grad():
            truth = net(*inputs)
        image, flow = run(model, inputs)
        pixels = np.abs(flow - truth.flow.numpy()) * np.array([95 / 2, 63 / 2]).reshape(1, 2, 1, 1)
        assert pixels.max() <= 0.01
        assert np.abs(image - truth.image.numpy()).max() <= 1e-4


@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_the_graph_has_old_operators_fixed_shapes_and_no_64_bit_data(exported, kind):
    model = load(exported, kind)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 13)]
    assert "GridSample" not in {node.op_type for node in model.graph.node}
    kinds = elements(model)
    assert {output for node in model.graph.node for output in node.output} <= set(kinds)
    assert not {TensorProto.INT64, TensorProto.DOUBLE} & {value.elem_type for value in kinds.values()}
    assert all(side.dim_value > 0 for value in kinds.values() for side in value.shape.dim)
    assert {node.op_type for node in model.graph.node} >= {"Gather", "Floor", "Mul", "Add"}


@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_pictures_go_in_and_out_in_single_precision(exported, kind):
    graph = load(exported, kind).graph
    shapes = {v.name: [side.dim_value for side in v.type.tensor_type.shape.dim] for v in (*graph.input, *graph.output)}
    wide = {
        name: [1, count, *SIZE] for name, count in zip(("person", "cloth", "image", "flow"), (3, 3, 3, 2), strict=True)
    }
    assert shapes == wide | {"cloth_edge": [1, 1, *SIZE]}
    assert {v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)} == {TensorProto.FLOAT}


def test_gathers_are_led_by_32_bit_indices(exported):
    model = load(exported, "f32")
    kinds, constants = elements(model), {tensor.name for tensor in model.graph.initializer}
    led = [node.input[1] for node in model.graph.node if node.op_type == "Gather" and node.input[1] not in constants]
    assert len(led) == 80  # 20 samplings of four neighbours
    assert {kinds[name].elem_type for name in led} == {TensorProto.INT32}


def test_half_a_file_holds_half_weights_and_single_coordinates(exported):
    model = load(exported, "f16")
    kinds, weights = elements(model), {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert {weights[node.input[1]] for node in convolutions} == {TensorProto.FLOAT16}
    floors = [node for node in model.graph.node if node.op_type == "Floor"]
    assert {kinds[node.input[0]].elem_type for node in floors} == {TensorProto.FLOAT}
    assert all(node.name.startswith(COORDINATE) for node in floors)
    assert not any(node.name.startswith(COORDINATE) for node in convolutions)


def test_coordinates_in_single_precision_spare_the_flow_most_of_the_drift(exported):
    drift = exported[1]["f16"]["drift_f16"]
    assert 0 < drift["coordinates_f32"]["flow_mean_px"] < drift["all_f16"]["flow_mean_px"] / 4
    assert drift["file_in_onnxruntime"]["image_max"] < 0.05


def test_the_report_lies_beside_the_file_and_tells_of_it(exported):
    folder, reports = exported
    for kind, report in reports.items():
        assert json.loads((folder / f"{kind}.json").read_text()) == report
        content = (folder / f"{kind}.onnx").read_bytes()
        assert (report["bytes"], report["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert sum(report["operators"].values()) == len(load(exported, kind).graph.node)
        assert report["latency_ms"]["basis"] == "estimated"
        assert f"--onnx={kind}.onnx" in report["trtexec"]
        assert report["parity_f32"]["flow_max_px"] <= 0.01
    ast.parse((folder / "jetson_runner.py").read_text(), feature_version=(3, 6))


def test_the_network_stays_as_it_was(tmp_path):
    net = net_of(ngf=2, **SMALL).double().train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    export_jetson(net, tmp_path / "x.onnx", (64, 64))
    assert net.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_graph_that_says_something_else_leaves_no_file(net, tmp_path, monkeypatch):
    right = forms.gather_sample
    monkeypatch.setattr(forms, "gather_sample", lambda image, flow, padding: right(image, flow * 1.01, padding))
    with pytest.raises(ValueError, match=r"off by flow=.* px \(at most 0.01\)"):
        export_jetson(net, tmp_path / "x.onnx", (64, 64))
    assert not list(tmp_path.iterdir())


def test_an_operator_that_the_board_lacks_is_named_and_leaves_no_file(net, tmp_path, monkeypatch):
    monkeypatch.delitem(tensorrt82.OPERATORS, "Tanh")
    with pytest.raises(ValueError, match=r"TensorRT 8.2 cannot read this graph: operator Tanh \(.*\) is not supported"):
        export_jetson(net, tmp_path / "x.onnx", (64, 64))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"precision": "int8"}, "precision='int8' must be one of"),
        ({"path": "x.engine"}, r"must end in \.onnx"),
        ({"size": (256, 190)}, r"size=\(256, 190\) must be"),
        ({"size": (32, 32)}, r"size=\(32, 32\) must be .* at least 64"),
        ({"net": tutor_net()}, "net is a tutor"),
    ],
)
def test_what_cannot_be_exported_is_told(net, tmp_path, wrong, told):
    arguments = {"net": net, "path": "x.onnx", "size": (64, 64)} | wrong
    with pytest.raises(ValueError, match=told):
        export_jetson(**arguments | {"path": tmp_path / arguments["path"]})
    assert not list(tmp_path.iterdir())


def test_rounding_is_that_of_half_precision_arithmetic():
    rng = np.random.default_rng(0)
    x, w, b = (rng.normal(size=(1, 7)).astype(np.float32) for _ in range(3))
    nodes = [helper.make_node("Mul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 7])] for name in "xy"]
    weights = [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")]
    model = helper.make_model(
        helper.make_graph(nodes, "g", *ends, weights), opset_imports=[helper.make_opsetid("", 13)]
    )
    half = halve(onnx.shape_inference.infer_shapes(model), coordinates(model))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(rounded(half).SerializeToString(), options)
    expected = x.astype(np.float16) * w.astype(np.float16) + b.astype(np.float16)
    assert np.array_equal(session.run(None, {"x": x})[0], expected.astype(np.float32))


@pytest.mark.nightly
def test_the_full_network_is_exported_and_says_what_it_says(tmp_path):
    torch.manual_seed(0)
    net = TryOnNet(AFWM(), ResUnetGenerator())
    report = export_jetson(net, tmp_path / "full.onnx", (256, 192), "f16")
    assert report["params_m"] == pytest.approx(73.204384)
    assert report["bytes"] < 150e6
    assert report["drift_f16"]["coordinates_f32"]["flow_max_px"] < 0.01
