"""Which parts of a try-on network can be int8, and what stays float in them.

Parts are traced one by one (`torch.fx`), as sampling, correlation and flow arithmetic between them can be neither
traced nor quantised. An encoder and its pyramid are one part. What a part says last stays float by default: an offset
is a coordinate, of which a step of int8 is a visible jump, and of the painted picture int8 keeps too few shades.
"""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from torch import nn

from vtryon.nn.quantised import Float, Passed, Pyramid
from vtryon.nn.tryon import TryOnNet

SCOPES = {"none": [], "warp": ["warp"], "generator": ["generator"], "all": ["warp", "generator"]}
HEADS = ("warp.aflow_net.netMain.*.6", "warp.aflow_net.netRefine.*.6", "generator.model.model.6")
KERNELS = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.LeakyReLU, nn.Upsample, nn.Identity)


def parts_of(net: TryOnNet, scope: str) -> list[str]:
    """Names of the parts that belong to a scope.

    Raises:
        ValueError: there is no such scope.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope (={scope!r}) must be one of {', '.join(SCOPES)}")
    levels = range(len(net.warp.aflow_net.netMain))
    heads = [f"warp.aflow_net.{kind}.{level}" for kind in ("netMain", "netRefine") for level in levels]
    every = ["warp.image_features", "warp.cond_features", *heads, "generator"]
    return [name for name in every if name.split(".")[0] in SCOPES[scope]]


def replace_parts(net: TryOnNet, parts: Sequence[str], keep_float: Sequence[str], change: Callable) -> None:
    """Put `change(part)` in the place of each of `parts`, in `net` itself.

    Args:
        keep_float: patterns of layers that stay as they are, such as "warp.aflow_net.netMain.*.6".

    Raises:
        ValueError: naming a pattern that matches no layer, or a layer without an int8 kernel.
    """
    kept = _matching(net, keep_float)
    for name in [name for name in kept if name.startswith(tuple(_homes(parts)))]:
        net.set_submodule(name, Float(net.get_submodule(name)))
    chosen = {name: _part(net, name) for name in parts}
    for name, part in chosen.items():
        _raise_unless_supported(name, part)
    for name, part in chosen.items():
        net.set_submodule(name, change(part))
        if isinstance(part, Pyramid):
            net.set_submodule(_fpn(name), Passed(part.fpn.widths()))


def _homes(parts: Sequence[str]) -> list[str]:
    """Prefixes of the layers of these parts."""
    return [f"{home}." for name in parts for home in (name, _fpn(name))]


def _fpn(name: str) -> str:
    return name.replace("_features", "_FPN")


def _part(net: TryOnNet, name: str) -> nn.Module:
    part = net.get_submodule(name)
    return part if _fpn(name) == name else Pyramid(part, net.get_submodule(_fpn(name)))


def _matching(net: nn.Module, patterns: Sequence[str]) -> list[str]:
    layers = [name for name, layer in net.named_modules() if not any(layer.children())]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in layers):
            raise ValueError(f"keep_float names {pattern!r}, which matches no layer of this network")
    return [name for name in layers if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _raise_unless_supported(name: str, part: nn.Module) -> None:
    inside = {child for layer in part.modules() if isinstance(layer, Float) for child in layer.modules()}
    for inner, layer in part.named_modules():
        if layer not in inside and not any(layer.children()) and not isinstance(layer, KERNELS):
            raise ValueError(
                f"{name}: {inner} is a {type(layer).__name__}, for which there is no int8 kernel; name it in "
                "keep_float, or leave its part out of the scope"
            )
