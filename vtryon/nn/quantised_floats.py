"""An int8 network in floats of int8's values: exporters can read it, and other runtimes make it int8 again."""

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.ao.nn import intrinsic
from torch.ao.nn import quantized as int8

from vtryon.nn.quantised import Int8TryOnNet
from vtryon.nn.tryon import TryOnNet


def in_floats(net: Int8TryOnNet, rounds: bool = True) -> TryOnNet:
    """A copy of `net` that computes with fake-quantised floats; with `rounds` False, in f32 on the same weights.

    Raises:
        ValueError: naming an operation of the int8 network that is not known here.
    """
    copied = TryOnNet(copy.deepcopy(net.warp), copy.deepcopy(net.generator))
    for name, part in [(name, part) for name, part in copied.named_modules() if isinstance(part, fx.GraphModule)]:
        copied.set_submodule(name, _translated(part, rounds))
    return copied.eval().requires_grad_(False)


class Rounded(nn.Module):
    """Round to the 256 values of an activation's scale."""

    def __init__(self, scale: float, zero_point: int):
        super().__init__()
        self.scale, self.zero_point = scale, int(zero_point)

    def forward(self, x: Tensor) -> Tensor:
        return torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero_point, 0, 255)


class RoundedConv(nn.Module):
    """A convolution whose weights are of a scale for each output channel."""

    def __init__(self, layer: int8.Conv2d, rounds: bool):
        super().__init__()
        weight = layer.weight()
        self.conv = nn.Conv2d(
            layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, layer.dilation,
            layer.groups, bias=layer.bias() is not None,
        )  # fmt: skip
        self.conv.weight.data = weight.dequantize()
        if layer.bias() is not None:
            self.conv.bias.data = layer.bias()
        self.register_buffer("scales", weight.q_per_channel_scales().float())
        self.register_buffer("zeros", torch.zeros(len(self.scales), dtype=torch.int32))
        self.rounds = rounds

    def forward(self, x: Tensor) -> Tensor:
        if not self.rounds:
            return self.conv(x)
        weight = torch.fake_quantize_per_channel_affine(self.conv.weight, self.scales, self.zeros, 0, -128, 127)
        return self.conv._conv_forward(x, weight, self.conv.bias)


class Sum(nn.Module):
    """Two maps added, and what follows."""

    def __init__(self, then: nn.Module):
        super().__init__()
        self.then = then

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        return self.then(one + other)


def _translated(part: fx.GraphModule, rounds: bool) -> fx.GraphModule:
    """The same graph, each node in floats."""
    graph, known, modules = fx.Graph(), {}, {}

    def rounded(scale: float, zero_point: int, *layers: nn.Module) -> nn.Module:
        return nn.Sequential(*layers, *([Rounded(scale, zero_point)] if rounds else []))

    def call(node: fx.Node, module: nn.Module, count: int = 1) -> fx.Node:
        modules[node.name] = module
        return graph.call_module(node.name, tuple(known[value] for value in node.args[:count]))

    for node in part.graph.nodes:
        if node.op == "get_attr":
            continue  # a scale or a zero point: whoever uses it reads it
        if node.target == "dequantize":
            known[node] = known[node.args[0]]
        elif node.target is torch.quantize_per_tensor:
            known[node] = call(node, rounded(*_numbers(part, node.args[1:3])))
        elif node.target in (torch.ops.quantized.add, torch.ops.quantized.add_relu):
            then = [nn.ReLU()] if node.target is torch.ops.quantized.add_relu else []
            known[node] = call(node, Sum(rounded(*_numbers(part, node.args[2:4]), *then)), count=2)
        elif node.op == "call_module":
            known[node] = call(node, _layer(part.get_submodule(node.target), rounded, rounds))
        elif node.op in ("placeholder", "output") or node.target in (torch.cat, F.interpolate):
            known[node] = graph.node_copy(node, lambda value: known[value])
        else:
            raise ValueError(f"{node.name} is {node.target}, which has no form in floats here; keep it float")
    return fx.GraphModule(modules, graph)


def _layer(layer: nn.Module, rounded: Callable, rounds: bool) -> nn.Module:
    if isinstance(layer, int8.Conv2d):
        then = [nn.ReLU()] if isinstance(layer, intrinsic.quantized.ConvReLU2d) else []
        return rounded(float(layer.scale), int(layer.zero_point), RoundedConv(layer, rounds), *then)
    if isinstance(layer, int8.BatchNorm2d):
        norm = nn.BatchNorm2d(layer.num_features, layer.eps)
        norm.load_state_dict({key: value for key, value in layer.state_dict().items() if key in norm.state_dict()})
        then = [nn.ReLU()] if isinstance(layer, intrinsic.quantized.BNReLU2d) else []
        return rounded(float(layer.scale), int(layer.zero_point), norm, *then)
    if isinstance(layer, int8.LeakyReLU):
        return rounded(float(layer.scale), int(layer.zero_point), nn.LeakyReLU(layer.negative_slope))
    return copy.deepcopy(layer)  # it takes floats and int8 alike, or is kept float


def _numbers(part: fx.GraphModule, nodes: tuple) -> list[float]:
    return [getattr(part, node.target).item() for node in nodes]
