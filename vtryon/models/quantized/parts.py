"""The subnetworks of a try-on network that can be int8, and their replacement.

Each is traced alone (`torch.fx`): the sampling, correlation and flow arithmetic between them can be neither traced nor
quantized. An encoder and its feature pyramid are one subnetwork, since features pass between them in int8.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from vtryon.models.tryon import TryOnNet

SCOPES = {"none": (), "warp": ("warp",), "generator": ("generator",), "all": ("warp", "generator")}
KERNELS = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.LeakyReLU, nn.Upsample, nn.Identity)


class Subnetwork(NamedTuple):
    """Names of the modules that are quantized together."""

    name: str
    pyramid: str | None = None  # the feature pyramid behind the encoder `name`

    def prefixes(self) -> tuple[str, ...]:
        """How the names of the layers inside begin."""
        return tuple(f"{module}." for module in self if module is not None)


class Float(nn.Module):
    """A layer that stays float inside a quantized subnetwork: tracers do not enter this module."""

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


def subnetworks_of(net: TryOnNet, scope: str = "all") -> list[Subnetwork]:
    """The subnetworks of a float network in a scope, a key of `SCOPES`: pyramids, heads, generator."""
    names = {module: name for name, module in net.named_modules()}
    subnetworks = [Subnetwork(names[encoder], names[pyramid]) for encoder, pyramid in net.warp.pyramids().values()]
    subnetworks += [Subnetwork(names[head]) for head in net.warp.aflow_net.heads()]
    subnetworks.append(Subnetwork(names[net.generator]))
    return [subnetwork for subnetwork in subnetworks if subnetwork.name.startswith(SCOPES[scope])]


def replace_subnetworks(
    net: TryOnNet, subnetworks: Sequence[Subnetwork], float_layers: Collection[str], change: Callable
) -> None:
    """Put `change(module)` in the place of each of `subnetworks`, in `net` itself.

    Args:
        float_layers: names of layers that stay float; those outside the subnetworks are left alone.

    Raises:
        ValueError: naming a layer without an int8 kernel.
    """
    for subnetwork in subnetworks:
        for name in float_layers:
            if name.startswith(subnetwork.prefixes()):
                net.set_submodule(name, Float(net.get_submodule(name)))
    modules = {subnetwork: _module(net, subnetwork) for subnetwork in subnetworks}
    for subnetwork, module in modules.items():
        _raise_unless_supported(subnetwork.name, module)
    for subnetwork, module in modules.items():
        net.set_submodule(subnetwork.name, change(module))
        if subnetwork.pyramid is not None:
            net.set_submodule(subnetwork.pyramid, JoinedPyramid(module.fpn.widths()))


def _module(net: TryOnNet, subnetwork: Subnetwork) -> nn.Module:
    module = net.get_submodule(subnetwork.name)
    return module if subnetwork.pyramid is None else EncoderPyramid(module, net.get_submodule(subnetwork.pyramid))


def _raise_unless_supported(name: str, module: nn.Module) -> None:
    inside = {child for layer in module.modules() if isinstance(layer, Float) for child in layer.modules()}
    for inner, layer in module.named_modules():
        if layer not in inside and not any(layer.children()) and not isinstance(layer, KERNELS):
            raise ValueError(
                f"{name}: {inner} is a {type(layer).__name__}, for which there is no int8 kernel; name it in "
                "keep_float, or leave its part out of the scope"
            )
