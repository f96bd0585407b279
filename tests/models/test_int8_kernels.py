"""Every layer of an int8 network against exact integer sums and against its float form, on equal input.

Sums of integers are exact on every CPU. What follows, times a scale, is rounded in float32 (2^-24 of some hundred steps
is 1e-5 of a step): kernels may choose either of two values where the exact result is that near to their border.
"""

import copy
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from narrow import inputs_of, net_of
from quantized_nets import converted, fake_quantized, int8_net
from torch import Tensor, fx, nn
from torch.ao.nn import intrinsic
from torch.ao.nn import quantized as int8

from vtryon.compression.quantization_blocks import alone_in_int8, blocks_of
from vtryon.models.quantized.dequantized import dequantized
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet

BORDER = 1e-4  # of a step; at most 2e-5 was seen, in a trained network
ENGINES = [name for name in ("onednn", "fbgemm") if name in torch.backends.quantized.supported_engines]
SHADES = torch.arange(256) / 127.5 - 1


class Call(NamedTuple):
    """One node of an int8 part: its layer, that layer's float form, and what went in and out."""

    layer: nn.Module | None
    floats: nn.Module
    given: list[Tensor]
    result: Tensor


class Recorder(fx.Interpreter):
    """Run an int8 part node by node, and note its calls."""

    def __init__(self, part: fx.GraphModule, floats: fx.GraphModule):
        super().__init__(part)
        self.floats, self.calls = floats, []

    def run_node(self, node: fx.Node) -> Tensor:
        given = [self.env[source] for source in node.all_input_nodes if source.op != "get_attr"]
        result = super().run_node(node)
        if hasattr(self.floats, node.name) and isinstance(result, Tensor) and result.is_quantized:
            layer = self.fetch_attr(node.target) if node.op == "call_module" else None
            self.calls.append(Call(layer, getattr(self.floats, node.name), given, result))
        return result


def parts_of(net: nn.Module) -> dict[str, fx.GraphModule]:
    return {name: part for name, part in net.named_modules() if isinstance(part, fx.GraphModule)}


def calls_of(net: TryOnNet) -> Iterator[Call]:
    """All calls, each on what the int8 network itself computed before."""
    shown, floats = {}, dequantized(net)
    hooks = [
        part.register_forward_pre_hook(lambda _, given, name=name: shown.update({name: given}))
        for name, part in parts_of(net).items()
    ]
    with torch.no_grad():
        net(*inputs_of(net_of()))
        for hook in hooks:
            hook.remove()
        for name, part in parts_of(net).items():
            recorder = Recorder(part, floats.get_submodule(name))
            recorder.run(*shown[name])
            yield from recorder.calls


def exact(layer: int8.Conv2d, x: Tensor) -> Tensor:
    """What `layer` should say before rounding, in steps of its output, clamped to 0..255."""
    weight, values = layer.weight(), x.int_repr().double() - x.q_zero_point()
    sums = F.conv2d(values, weight.int_repr().double(), None, layer.stride, layer.padding, layer.dilation, layer.groups)
    result = sums * x.q_scale() * weight.q_per_channel_scales().view(1, -1, 1, 1)
    if layer.bias() is not None:
        result += layer.bias().detach().double().view(1, -1, 1, 1)
    if isinstance(layer, intrinsic.quantized.ConvReLU2d):
        result = result.relu()
    return (result / float(layer.scale) + int(layer.zero_point)).clamp(0, 255)


def in_steps(call: Call) -> Tensor:
    """What the float form of the same layer says to the same input, in steps."""
    floats = call.floats.eval()(*(x.dequantize() if x.is_quantized else x for x in call.given))
    return floats.double() / call.result.q_scale() + call.result.q_zero_point()


def of_eight_bits(net: TryOnNet, seed: int) -> tuple[Tensor, ...]:
    """Pictures of all shades, as photos are."""
    person, cloth, edge = inputs_of(net, seed, 2)
    return *((127.5 * x + 127.5).round() / 127.5 - 1 for x in (person, cloth)), edge


@pytest.fixture(scope="module")
def whole() -> Int8TryOnNet:
    return int8_net()


@pytest.fixture(scope="module")
def calls(whole) -> list[Call]:
    return list(calls_of(whole))


@pytest.mark.parametrize("engine", ENGINES)
def test_each_int8_convolution_is_the_exact_integer_sum_rounded_once(engine, whole, monkeypatch):
    monkeypatch.setattr(torch.backends.quantized, "engine", engine)
    net = copy.deepcopy(whole)
    for layer in (layer for layer in net.modules() if isinstance(layer, int8.Conv2d)):
        layer.set_weight_bias(layer.weight(), layer.bias())  # in the layout of this engine's kernels
    convolutions = [call for call in calls_of(net) if isinstance(call.layer, int8.Conv2d)]
    assert len(convolutions) == 145
    for call in convolutions:
        off = call.result.int_repr() - exact(call.layer, *call.given)
        assert off.abs().max() <= 0.5 + BORDER


def test_a_convolution_in_floats_chooses_another_value_only_on_the_border_of_two(calls):
    for call in calls:
        if isinstance(call.layer, int8.Conv2d):
            assert (in_steps(call) - exact(call.layer, *call.given)).abs().max() <= 0.5 + BORDER


def test_each_layer_in_floats_says_what_int8_says_but_for_one_step_in_fifty_thousand_values(calls):
    other, values, kinds = 0, 0, set()
    for call in calls:
        off = (in_steps(call) - call.result.int_repr()).abs().round()
        assert off.max() <= 1
        other, values = other + off.sum(), values + off.numel()
        kinds.add(type(call.layer).__name__)
    assert kinds == {"NoneType", "Conv2d", "ConvReLU2d", "BNReLU2d", "LeakyReLU"}  # None: sums and pictures rounded
    assert other / values < 1 / 50_000  # 2 to 5 in a million were seen


def learnt_on_photos() -> nn.Module:
    net = net_of()
    trained, inserted = fake_quantized(net)
    with torch.no_grad():
        for seed in range(2):
            trained.train()(*of_eight_bits(net, seed))
    return converted(trained.eval(), inserted, net)


def measured_on_photos() -> nn.Module:
    net = net_of()
    return alone_in_int8(net, blocks_of(net)["all"], [of_eight_bits(net, 0)])


@pytest.mark.parametrize("make", [learnt_on_photos, measured_on_photos])
def test_no_shade_of_a_photo_lies_on_the_border_of_two_steps(make):
    net = make()
    for name in ("warp.image_features", "warp.cond_features", "generator"):
        part = net.get_submodule(name)
        entry = next(node for node in part.graph.nodes if node.target is torch.quantize_per_tensor)
        scale, zero_point = (getattr(part, node.target).item() for node in entry.args[1:3])
        steps = SHADES.double() / scale + zero_point
        assert steps.min() > -0.5
        assert steps.max() < 255.5
        assert ((steps % 1) - 0.5).abs().min() > BORDER
