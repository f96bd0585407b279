"""Frozen: a network that teaches or measures, and never learns."""

import torch
from torch import nn


class Frozen(nn.Module):
    """Hold a network in eval mode and without gradients, whatever the owner does.

    It moves with its owner, but is absent from the owner's parameters and state_dict: an optimiser cannot reach it, a
    checkpoint does not carry it, and data-parallel training does not synchronise it.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self._held = (net.eval().requires_grad_(False),)  # a tuple, so that the net is no child module

    @property
    def net(self) -> nn.Module:
        return self._held[0]

    def forward(self, *args, method: str = "forward", **kwargs):
        """Call the network, or another of its methods, without gradients."""
        call = self.net if method == "forward" else getattr(self.net, method)
        with torch.no_grad():
            return call(*args, **kwargs)

    def _apply(self, fn, recurse=True):
        self.net._apply(fn, recurse)
        return super()._apply(fn, recurse)
