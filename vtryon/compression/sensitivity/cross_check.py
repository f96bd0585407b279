"""Cross-check of the filter analysis: some filters are really pruned, and the pruned network is run as a whole."""

import copy
from collections.abc import Sequence
from typing import Any

import torch

from vtryon.compression.dependency_graph import coupled_channels
from vtryon.compression.pruning import keep_cost_scale, prepared
from vtryon.compression.sensitivity.channels import Layer
from vtryon.compression.sensitivity.pairs import Pairs
from vtryon.compression.sensitivity.scores import Unpruned, score_filters
from vtryon.models.tryon import TryOnNet


def differences_to_removal(net: TryOnNet, layers: Sequence[Layer], pairs: Pairs, count: int) -> dict[str, Any]:
    """Mask the first filter of `count` layers spread over the network, and remove it; compare the two.

    Returns how many filters were compared, and the largest difference of each measure over the pairs, relative where
    the measure is above 1.
    """
    positions = torch.linspace(0, len(layers) - 1, min(count, len(layers))).round().int().unique().tolist()
    largest: dict[str, float] = {}
    for position in positions:
        layer = layers[position]
        pruned = without(net, layer.name, 0)
        with torch.inference_mode():
            for number in range(len(pairs)):
                inputs = pairs.one(number)
                unpruned = Unpruned(net(*inputs))
                (masked,) = score_filters(net, inputs, unpruned, layer, [0])
                (removed,) = unpruned.distances(pruned(*inputs))
                for name, value in removed.items():
                    difference = abs(masked[name] - value) / max(1.0, abs(value))
                    largest[name] = max(largest.get(name, 0.0), difference)
    return {
        "filters": len(positions),
        "largest_difference": {name: float(f"{value:.2g}") for name, value in largest.items()},
    }


def without(net: TryOnNet, layer: str, channel: int) -> TryOnNet:
    """A copy of `net` from which channel `channel` of the convolution `layer` is really pruned.

    Raises:
        ValueError: nothing was removed.
    """
    pruned = copy.deepcopy(net)
    with prepared(pruned), torch.no_grad(), coupled_channels(pruned, [layer.split(".")[0]]) as groups:
        (group,) = (group for group in groups if layer in group.makers)
        widths = pruned.warp.pyramid_widths()
        group.remove([channel] if channel < group.root.out_channels else [])
        keep_cost_scale(pruned, widths)
    if _weights(pruned) == _weights(net):
        raise ValueError(f"{layer}: filter {channel} removes nothing; is it within the layer's width?")
    return pruned


def _weights(net: TryOnNet) -> int:
    return sum(weight.numel() for weight in net.parameters())
