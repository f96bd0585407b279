"""An int8 network in floats of int8's values: exporters can read it, and other runtimes make it int8 again.

Given equal input, each layer rounds to the value that int8 does, but for results that are 1e-4 of a step or nearer to
the border of two values: there the order in which floats are added, another one on each CPU, decides. That is rare (few
values in a million), but spreads through the layers behind it, so whole networks agree in what they show and not in
every digit.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.ao.nn import intrinsic
from torch.ao.nn import quantized as int8

from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet


def dequantized(net: Int8TryOnNet, rounding: bool = True) -> TryOnNet:
    """A copy of `net` that computes with fake-quantized floats; without `rounding`, in f32 on the same weights.

    Raises:
        ValueError: naming an operation of the int8 network that has no float form here.
    """
    copied = TryOnNet(copy.deepcopy(net.warp), copy.deepcopy(net.generator))
    graphs = {name: module for name, module in copied.named_modules() if isinstance(module, fx.GraphModule)}
    for name, graph in graphs.items():
        copied.set_submodule(name, _Translation(graph, rounding).run())
    return copied.eval().requires_grad_(False)


class RoundedActivation(nn.Module):
    """Round to the 256 values of an activation's scale."""

    def __init__(self, scale: float, zero_point: int):
        super().__init__()
        self.scale, self.zero_point = scale, int(zero_point)

    def forward(self, x: Tensor) -> Tensor:
        return torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero_point, 0, 255)


class RoundedConv(nn.Module):
    """A convolution whose weights are rounded to a scale for each output channel."""

    def __init__(self, layer: int8.Conv2d, rounding: bool):
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
        self.rounding = rounding

    def forward(self, x: Tensor) -> Tensor:
        if not self.rounding:
            return self.conv(x)
        weight = torch.fake_quantize_per_channel_affine(self.conv.weight, self.scales, self.zeros, 0, -128, 127)
        return self.conv._conv_forward(x, weight, self.conv.bias)


class Sum(nn.Module):
    """Add two feature maps, then apply `activation`."""

    def __init__(self, activation: nn.Module):
        super().__init__()
        self.after = activation

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.after(first + second)


class _Translation:
    """The same graph with each node in floats; `nodes` maps int8 nodes to float ones."""

    def __init__(self, module: fx.GraphModule, rounding: bool):
        self.module, self.rounding = module, rounding
        self.graph, self.layers, self.nodes = fx.Graph(), {}, {}

    def run(self) -> fx.GraphModule:
        for node in self.module.graph.nodes:
            if node.op != "get_attr":  # a scale or a zero point: the node that uses it reads it
                self.nodes[node] = self._translated(node)
        return fx.GraphModule(self.layers, self.graph)

    def _translated(self, node: fx.Node) -> fx.Node:
        if node.target == "dequantize":
            return self.nodes[node.args[0]]
        if node.target is torch.quantize_per_tensor:
            return self._call(node, self._rounded(*self._numbers(node.args[1:3])))
        if node.target in (torch.ops.quantized.add, torch.ops.quantized.add_relu):
            activation = [nn.ReLU()] if node.target is torch.ops.quantized.add_relu else []
            return self._call(node, Sum(self._rounded(*self._numbers(node.args[2:4]), *activation)), inputs=2)
        if node.op == "call_module":
            return self._call(node, self._layer(self.module.get_submodule(node.target)))
        if node.op in ("placeholder", "output") or node.target in (torch.cat, F.interpolate):
            return self.graph.node_copy(node, lambda value: self.nodes[value])
        raise ValueError(f"{node.name} is {node.target}, which has no form in floats here; keep it float")

    def _call(self, node: fx.Node, layer: nn.Module, inputs: int = 1) -> fx.Node:
        self.layers[node.name] = layer
        return self.graph.call_module(node.name, tuple(self.nodes[value] for value in node.args[:inputs]))

    def _rounded(self, scale: float, zero_point: int, *layers: nn.Module) -> nn.Module:
        return nn.Sequential(*layers, *([RoundedActivation(scale, zero_point)] if self.rounding else []))

    def _layer(self, layer: nn.Module) -> nn.Module:
        if isinstance(layer, int8.Conv2d):
            activation = [nn.ReLU()] if isinstance(layer, intrinsic.quantized.ConvReLU2d) else []
            layers = [RoundedConv(layer, self.rounding), *activation]
        elif isinstance(layer, int8.BatchNorm2d):
            activation = [nn.ReLU()] if isinstance(layer, intrinsic.quantized.BNReLU2d) else []
            layers = [_float_norm(layer), *activation]
        elif isinstance(layer, int8.LeakyReLU):
            layers = [nn.LeakyReLU(layer.negative_slope)]
        else:
            return copy.deepcopy(layer)  # takes floats and int8 alike, or is kept float
        return self._rounded(float(layer.scale), int(layer.zero_point), *layers)

    def _numbers(self, nodes: tuple) -> list[float]:
        return [getattr(self.module, node.target).item() for node in nodes]


def _float_norm(layer: int8.BatchNorm2d) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(layer.num_features, layer.eps)
    norm.load_state_dict({key: value for key, value in layer.state_dict().items() if key in norm.state_dict()})
    return norm
