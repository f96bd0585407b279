"""The plain way to judge a filter: take it out of a copy of the network, with all that hangs on it, and ask anew."""

import copy

import torch

from vtryon.compression.pruning import keep_cost_scale, prepared
from vtryon.compression.trace import coupled_channels
from vtryon.nn.tryon import TryOnNet


def without(net: TryOnNet, layer: str, channel: int) -> TryOnNet:
    """A copy of `net` from which channel `channel` of the convolution `layer` is really pruned.

    Raises:
        ValueError: nothing was removed.
    """
    pruned = copy.deepcopy(net)
    with prepared(pruned), torch.no_grad(), coupled_channels(pruned, [layer.split(".")[0]]) as groups:
        (group,) = (group for group in groups if layer in group.makers)
        before = pruned.warp.pyramid_widths()
        group.remove([channel] if channel < group.root.out_channels else [])
        keep_cost_scale(pruned, before)
    if _weights(pruned) == _weights(net):
        raise ValueError(f"{layer}: filter {channel} removes nothing; is it within the layer's width?")
    return pruned


def _weights(net: TryOnNet) -> int:
    return sum(weight.numel() for weight in net.parameters())
