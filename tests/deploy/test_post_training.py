"""Post-training quantization: what is asked to stay float does, and mistakes are told before anything is computed."""

import numpy as np
import onnx
import openvino
import pytest
import torch
from narrow import net_of
from quantized_nets import pictures

from vtryon.deploy.export.post_training import Budget, quantize_onnx, quantize_openvino
from vtryon.deploy.runtime.openvino_graph import openvino_graph
from vtryon.deploy.runtime.openvino_runtime import OpenVINOTryOnNet
from vtryon.models.quantized.policy import Int8Policy

EVERY_LAYER = Int8Policy(keep_float=())
PAIRS = [pictures(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def graph():
    return openvino_graph(net_of(), (64, 64), batch=None)


def fake_quantized(model) -> int:
    return sum(op.get_type_name() == "FakeQuantize" for op in model.get_ops())


@pytest.mark.slow
def test_everything_or_all_but_coordinates_runs_in_int8(graph, tmp_path):
    everything = quantize_openvino(graph, net_of(), PAIRS, EVERY_LAYER)
    assert 2 * 255 * _heaviest_weight(everything) < 2**15  # in pairs they add without overflow on CPUs without VNNI
    whole = OpenVINOTryOnNet(everything, net_of(), (64, 64), 2)
    without_coordinates = Int8Policy(keep_float=("coordinates",))
    kept = OpenVINOTryOnNet(quantize_openvino(graph, net_of(), PAIRS, without_coordinates), net_of(), (64, 64), 2)
    assert whole.runtime.convolutions() == {"int8": 156}
    assert kept.runtime.convolutions() == {"int8": 146, "f32": 10}
    with torch.no_grad():
        usual = net_of()(*pictures(7))
    off = [(net(*pictures(7)).flow - usual.flow).abs().mean() for net in (whole, kept)]
    assert off[1] < off[0]
    weights = sum(value.numel() for value in net_of().parameters())
    assert kept.save(tmp_path / "kept.xml") < 0.3 * 4 * weights / 2**20


@pytest.mark.nightly
def test_scales_are_per_channel_or_one_and_activations_symmetric_or_not(graph):
    policies = [Int8Policy(keep_float=(), per_channel=per_channel) for per_channel in (True, False)]
    per_channel, per_tensor = (_scales(quantize_openvino(graph, net_of(), PAIRS, policy)) for policy in policies)
    assert max(per_tensor) == 1 < max(per_channel)
    centred = quantize_openvino(graph, net_of(), PAIRS, Int8Policy(keep_float=(), symmetric=True))
    lows = [_levels(op)[0] for op in centred.get_ops() if op.get_type_name() == "FakeQuantize"]
    highs = [_levels(op)[1] for op in centred.get_ops() if op.get_type_name() == "FakeQuantize"]
    skewed = [abs(low + high) > 0.02 * max(high, -low) for low, high in zip(lows, highs, strict=True) if low < 0]
    assert not any(skewed)


@pytest.mark.nightly
def test_a_budget_takes_operations_back_until_it_holds(graph):
    with torch.no_grad():
        items = [(*pair, net_of()(*pair).image) for pair in PAIRS]

    def judge(ask, some):
        scores = [-float((torch.from_numpy(ask(*pair)[0]) - image).square().mean()) for *pair, image in some]
        return sum(scores) / len(scores), scores

    few = Int8Policy(
        "generator", ("generator.model.model.4.*",)
    )  # each quantized operation is tried, which takes seconds
    held = quantize_openvino(graph, net_of(), PAIRS, few, Budget(judge, items, fall=1e-6, rounds=2))
    assert 0 < fake_quantized(held) < fake_quantized(quantize_openvino(graph, net_of(), PAIRS, few))


def test_no_pairs_are_named():
    with pytest.raises(ValueError, match=r"calibration \(=0\): the ranges of activations are learnt from pairs"):
        quantize_openvino(openvino.Model([], [], "empty"), net_of(), [])
    with pytest.raises(ValueError, match=r"calibration \(=0\)"):
        quantize_onnx(onnx.ModelProto(), net_of(), [])


def test_a_pattern_without_layers_is_named():
    with pytest.raises(ValueError, match=r"keep_float names 'warp.nowhere', which matches no layer"):
        quantize_openvino(openvino.Model([], [], "empty"), net_of(), PAIRS, Int8Policy(keep_float=("warp.nowhere",)))


def test_a_missing_tool_kit_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nncf", None)
    with pytest.raises(ImportError, match=r'post-training quantization needs NNCF: pip install "vtryon\[deploy\]"'):
        quantize_openvino(openvino.Model([], [], "empty"), net_of(), PAIRS)


def _levels(op) -> tuple[float, float]:
    """The least and the largest value that a fake-quantizer lets through."""
    low, high = (op.input_value(port).get_node() for port in (3, 4))
    return float(low.get_data().min()), float(high.get_data().max())


def _heaviest_weight(model) -> int:
    """The largest in absolute value of all int8 constants."""
    constants = [op.data for op in model.get_ops() if op.get_type_name() == "Constant" and op.data.dtype == np.int8]
    return max(int(np.abs(values.astype(int)).max()) for values in constants)


def _scales(model) -> list[int]:
    """Of int8 weights: how many scales each has."""
    products = [op for op in model.get_ops() if op.get_type_name() == "Multiply"]
    return [
        op.input_value(1).get_node().get_data().size for op in products if _widens_int8(op.input_value(0).get_node())
    ]


def _widens_int8(op) -> bool:
    if op.get_type_name() == "Subtract":
        op = op.input_value(0).get_node()
    return op.get_type_name() == "Convert" and op.input_value(0).get_element_type().get_type_name() == "i8"
