"""The int8 policy: which layers are int8, and the ranges and scales of their numbers.

Training (`compression.quantization_aware`), quantization without training (`compression.quantization_post_training`),
`vtryon export` and the analysis of single blocks all follow one `Int8Policy`, whatever library does the work.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise

from torch import nn

from vtryon.models.quantized.parts import SCOPES, Subnetwork, replace_subnetworks, subnetworks_of
from vtryon.models.tryon import TryOnNet

# Half of what a byte holds: a CPU without VNNI adds products of weights and 8-bit activations in pairs, in 16 bits that
# saturate: 2 · 255 · 64 fits, 2 · 255 · 127 does not. With this range a network gives the same result on every CPU.
WEIGHT_RANGE = (-64, 64)
# One value less than a byte holds: a photo from black to white spans [-1, 1], and in steps of 2 / 255 with a whole
# number for 0 each of its 256 shades lies on the border of two values, where kernels round to different sides. In steps
# of 2 / 254 none does.
ACTIVATION_RANGE = (0, 254)
# Coordinates: a step of int8 is a visible jump (published int8 runs without this fell from FID 30 to above 110).
# The painted picture before tanh: 256 shades are too few (0.012 of SSIM at the demo profile).
KEEP_FLOAT = ("coordinates", "picture")


@dataclass(frozen=True)
class Int8Policy:
    """What int8 means for a try-on network.

    What lies between the subnetworks (composition, sampling, correlation, flow arithmetic) is float in any case.

    Args:
        scope: the quantized modules: "warp", "generator", "all", or "none".
        keep_float: layers that stay float in them: keys of `TryOnNet.output_layers`, or patterns of layer names such as
            "warp.aflow_net.netRefine.*"; empty quantizes every layer.
        per_channel: weights have a scale for each output channel, or one for all.
        symmetric: activations lie around zero, or from their smallest to their largest value.
    """

    scope: str = "all"
    keep_float: Sequence[str] = KEEP_FLOAT
    per_channel: bool = True
    symmetric: bool = False

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise ValueError(f"scope (={self.scope!r}) must be one of {', '.join(SCOPES)}")
        object.__setattr__(self, "keep_float", tuple(self.keep_float))

    def subnetworks(self, net: TryOnNet) -> list[Subnetwork]:
        """The quantized subnetworks of a float network."""
        return subnetworks_of(net, self.scope)

    def float_layers(self, net: TryOnNet) -> list[str]:
        """Names of the layers that `keep_float` chooses, in or out of the scope.

        Raises:
            ValueError: naming a pattern that matches no layer.
        """
        names = {module: name for name, module in net.named_modules()}
        layers = [name for module, name in names.items() if not any(module.children())]
        chosen: set[str] = set()
        for pattern in self.keep_float:
            outputs = [names[layer] for layer in net.output_layers().get(pattern, ())]
            matching = outputs or [name for name in layers if fnmatchcase(name, pattern)]
            if not matching:
                raise ValueError(
                    f"keep_float names {pattern!r}, which matches no layer of this network; give one of "
                    f"{', '.join(net.output_layers())}, or a pattern of layer names"
                )
            chosen.update(matching)
        return [name for name in layers if name in chosen]

    def float_modules(self, net: TryOnNet) -> set[str]:
        """Names of all modules whose own operations stay float in an exported graph.

        These are the modules in no quantized subnetwork, the `float_layers`, and norms behind these: exporters fold a
        norm into its convolution, and may call the result after the norm.
        """
        names = {name for name, _ in net.named_modules()}
        for subnetwork in self.subnetworks(net):
            names -= {name for name in names if f"{name}.".startswith(subnetwork.prefixes())}
        float_layers = set(self.float_layers(net))
        return names | float_layers | _norms_behind(net, float_layers)

    def replace(self, net: TryOnNet, change: Callable) -> None:
        """Put `change(module)` in the place of each quantized subnetwork of `net`; see `replace_subnetworks`.

        Raises:
            ValueError: naming a layer without an int8 kernel, or numbers for which torch's kernels are not used here.
        """
        if self.symmetric or not self.per_channel:
            raise ValueError(
                f"per_channel (={self.per_channel}) and symmetric (={self.symmetric}) can be chosen for exported "
                "graphs; torch's int8 takes a scale for each channel, and activations from least to largest"
            )
        replace_subnetworks(net, self.subnetworks(net), self.float_layers(net), change)


def _norms_behind(net: nn.Module, layers: Collection[str]) -> set[str]:
    """Names of the norms that follow one of `layers` in a Sequential."""
    norms = set()
    for name, module in net.named_modules():
        if isinstance(module, nn.Sequential):
            for (first, _), (second, layer) in pairwise(module.named_children()):
                if f"{name}.{first}" in layers and isinstance(layer, nn.BatchNorm2d):
                    norms.add(f"{name}.{second}")
    return norms
