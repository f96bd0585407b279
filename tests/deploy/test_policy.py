"""One int8 policy: the same network keeps the same layers float, whichever way it becomes int8."""

import pytest
from narrow import net_of
from quantized_nets import fake_quantized, pictures
from torch import nn
from torch.ao.nn import quantized as int8

from vtryon.compression.quantization_blocks import alone_in_int8, blocks_of
from vtryon.compression.quantization_post_training import PostTraining
from vtryon.deploy.export.post_training import quantize_onnx, quantize_openvino
from vtryon.deploy.runtime.module_names import module_of, module_of_node
from vtryon.deploy.runtime.onnx_graph import onnx_graph
from vtryon.deploy.runtime.openvino_graph import openvino_graph
from vtryon.models.precision import InSingle
from vtryon.models.quantized.parts import Float
from vtryon.models.quantized.policy import KEEP_FLOAT, Int8Policy
from vtryon.models.tryon import TryOnNet

SIZE = (64, 64)
PAIRS = [pictures(seed) for seed in range(2)]
COORDINATES = {f"warp.aflow_net.{kind}.{level}.6" for kind in ("netMain", "netRefine") for level in range(5)}


@pytest.fixture(scope="module")
def net() -> TryOnNet:
    """Small, and with a keep output."""
    return net_of(ngf=2, keep=True, radius=1, channels=(4, 5, 6, 7, 8), fpn_channels=4, flow_channels=(4, 4, 4))


def convolutions(net: nn.Module) -> set[str]:
    return {name for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d)}


def float_when_trained(net, policy) -> set[str]:
    trained, _ = fake_quantized(net, policy.scope, policy.keep_float)
    inside = {f"{name}.layer" for name, layer in trained.named_modules() if isinstance(layer, Float)}
    plain = {name for name in convolutions(trained) if not hasattr(trained.get_submodule(name), "weight_fake_quant")}
    wrappers = [name for name, layer in trained.named_modules() if isinstance(layer, InSingle)]
    names = {name.removesuffix(".layer") if name in inside else name for name in plain}
    return {_unwrapped(name, wrappers) for name in names}


def _unwrapped(name: str, wrappers: list[str]) -> str:
    """A layer's name in the float network, whose parts are not wrapped to compute in float32."""
    for wrapper in wrappers:
        if name.startswith(f"{wrapper}.layer."):
            return f"{wrapper}.{name.removeprefix(f'{wrapper}.layer.')}"
    return name


def float_when_analysed(net, policy) -> set[str]:
    blocks = {KEEP_FLOAT: "all", (): "all, and what the parts say last"}
    alone = alone_in_int8(net, blocks_of(net)[blocks[policy.keep_float]], PAIRS)
    assert not {name for name, layer in alone.named_modules() if isinstance(layer, int8.Conv2d)} & convolutions(alone)
    return {name.removesuffix(".layer") for name in convolutions(alone)}


def float_in_openvino(net, policy) -> set[str]:
    model = openvino_graph(net, SIZE, batch=None)
    modules = {op.get_friendly_name(): module_of_node(op) for op in model.get_ops()}
    model = quantize_openvino(model, net, PAIRS, policy)
    kept = [op for op in model.get_ops() if op.get_type_name() == "Convolution" and not _is_int8(op)]
    return {_convolution_of(net, modules[op.get_friendly_name()]) for op in kept}


def _convolution_of(net, name) -> str:
    """OpenVINO calls a convolution after the norm that was folded into it."""
    layer = net.get_submodule(name)
    if isinstance(layer, nn.Conv2d):
        return name
    parent, _, position = name.rpartition(".")
    return f"{parent}.{int(position) - 1}"


def _is_int8(convolution) -> bool:
    """Whether its weights are widened from int8."""
    operations = [convolution.input_value(1).get_node()]
    while operations[-1].get_input_size():
        operations.append(operations[-1].input_value(0).get_node())
    return operations[-1].get_element_type().get_type_name() == "i8"


def float_in_onnx(net, policy) -> set[str]:
    model = quantize_onnx(onnx_graph(net, SIZE, batch=None), net, PAIRS, policy)
    widened = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    kept = [node for node in model.graph.node if node.op_type == "Conv" and node.input[1] not in widened]
    return {module_of(node.name) for node in kept if node.name.split("/")[-1] == "Conv"}


SLOW = [pytest.param(way, marks=pytest.mark.slow) for way in (float_in_openvino, float_in_onnx)]


@pytest.mark.parametrize("way", [float_when_trained, float_when_analysed, *SLOW])
def test_coordinates_and_the_painted_picture_stay_float_in_every_way(net, way):
    assert way(net, Int8Policy()) == COORDINATES | {"generator.model.model.6"}


@pytest.mark.parametrize("way", [float_when_trained, float_when_analysed, *SLOW])
def test_an_empty_list_keeps_no_layer_float_in_any_way(net, way):
    assert way(net, Int8Policy(keep_float=())) == set()


@pytest.mark.parametrize("way", [float_when_trained, *SLOW])
def test_a_scope_and_patterns_of_layers_choose_the_same_in_every_way(net, way):
    chosen = ("generator.model.model.2.block.0", "generator.model.model.4.model.5.*")
    policy = Int8Policy("generator", chosen)
    beginnings = tuple(pattern.removesuffix("*") for pattern in ("warp.", *chosen))
    kept = {name for name in convolutions(net) if name.startswith(beginnings)}
    assert way(net, policy) == kept


def test_runs_without_training_and_with_it_and_exports_have_the_same_default(tmp_path):
    assert PostTraining(tmp_path, SIZE).policy == Int8Policy()


def test_scales_that_torch_has_not_are_refused_before_anything_is_replaced(net):
    with pytest.raises(ValueError, match=r"per_channel \(=False\) and symmetric \(=False\) can be chosen for exported"):
        Int8Policy(per_channel=False).replace(net, lambda part: part)
