"""The parts of a try-on network that can be int8, and their replacement.

Parts are traced one by one (`torch.fx`): the sampling, correlation and flow arithmetic between them can be neither
traced nor quantized. An encoder and its feature pyramid are one part, since features pass between them in int8.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from vtryon.models.tryon import TryOnNet

SCOPES = {"none": (), "warp": ("warp",), "generator": ("generator",), "all": ("warp", "generator")}
KERNELS = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.LeakyReLU, nn.Upsample, nn.Identity)


class Part(NamedTuple):
    """Names of the modules that are quantized together."""

    name: str
    pyramid: str | None = None  # the feature pyramid behind the encoder `name`

    def prefixes(self) -> tuple[str, ...]:
        """How the names of the layers inside begin."""
        return tuple(f"{module}." for module in self if module is not None)


class Float(nn.Module):
    """A layer that stays float inside a quantized part: tracers do not enter this module."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class EncoderPyramid(nn.Module):
    """An encoder and the pyramid of its features in one module."""

    def __init__(self, features: nn.Module, fpn: nn.Module):
        super().__init__()
        self.features, self.fpn = features, fpn

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        return self.fpn(self.features(picture))


class JoinedPyramid(nn.Identity):
    """The placeholder for a pyramid that now belongs to its encoder; it still knows the widths."""

    def __init__(self, channels: Sequence[int]):
        super().__init__()
        self.channels = list(channels)

    def widths(self) -> list[int]:
        return self.channels


def parts_of(net: TryOnNet, scope: str = "all") -> list[Part]:
    """The parts of a float network in a scope, a key of `SCOPES`: pyramids, heads, generator."""
    names = {module: name for name, module in net.named_modules()}
    parts = [Part(names[encoder], names[pyramid]) for encoder, pyramid in net.warp.pyramids().values()]
    parts += [Part(names[head]) for head in net.warp.aflow_net.heads()]
    parts.append(Part(names[net.generator]))
    return [part for part in parts if part.name.startswith(SCOPES[scope])]


def replace_parts(net: TryOnNet, parts: Sequence[Part], float_layers: Collection[str], change: Callable) -> None:
    """Put `change(part)` in the place of each of `parts`, in `net` itself.

    Args:
        float_layers: names of layers that stay float; those outside the parts are left alone.

    Raises:
        ValueError: naming a layer without an int8 kernel.
    """
    for part in parts:
        for name in float_layers:
            if name.startswith(part.prefixes()):
                net.set_submodule(name, Float(net.get_submodule(name)))
    modules = {part: _module(net, part) for part in parts}
    for part, module in modules.items():
        _raise_unless_supported(part.name, module)
    for part, module in modules.items():
        net.set_submodule(part.name, change(module))
        if part.pyramid is not None:
            net.set_submodule(part.pyramid, JoinedPyramid(module.fpn.widths()))


def _module(net: TryOnNet, part: Part) -> nn.Module:
    module = net.get_submodule(part.name)
    return module if part.pyramid is None else EncoderPyramid(module, net.get_submodule(part.pyramid))


def _raise_unless_supported(name: str, module: nn.Module) -> None:
    inside = {child for layer in module.modules() if isinstance(layer, Float) for child in layer.modules()}
    for inner, layer in module.named_modules():
        if layer not in inside and not any(layer.children()) and not isinstance(layer, KERNELS):
            raise ValueError(
                f"{name}: {inner} is a {type(layer).__name__}, for which there is no int8 kernel; name it in "
                "keep_float, or leave its part out of the scope"
            )
