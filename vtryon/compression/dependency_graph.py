"""Which channels of a try-on network hang together: torch-pruning's graph, told what autograd cannot tell it.

The graph follows autograd, where two operations mislead it. The cost volume has a channel for each displacement, none
for a feature, yet both its inputs must keep the same features; and the grid of a `grid_sample` holds coordinates, which
are no channels of what is sampled. While the warp is traced both are cut off, and the product of the two feature maps
is handed out instead, which couples them.

Warp and generator are traced apart: between them pass only pictures. So no features ever meet a raw picture in a
`torch.cat`, whose offsets torch-pruning loses.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
import torch.nn.functional as F
import torch_pruning as tp
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vtryon.models.afwm import AFWM
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet

SIZE = (64, 64)  # of the picture that is traced; widths do not depend on it


class Place(NamedTuple):
    """Where a channel lives in a convolution."""

    layer: str
    read: bool  # an input column of its weight; else a filter of it
    channels: tuple[int, ...]


class Coupled(NamedTuple):
    """Channels that several layers share: they go from all of them or from none."""

    name: str  # the convolution that stands for them, by its name in the network
    makers: tuple[str, ...]  # all convolutions that give them out
    layers: tuple[str, ...]  # all layers that give them out, norm them or read them
    group: tp.Group  # of all these channels, for an importance to judge
    graph: tp.DependencyGraph
    names: dict[nn.Module, str]

    @property
    def root(self) -> nn.Conv2d:
        return self.group[0].dep.target.module

    def remove(self, channels: Sequence[int]) -> None:
        """Take these channels of `name`, and what belongs to them elsewhere, out of the network."""
        self.graph.get_pruning_group(self.root, tp.prune_conv_out_channels, list(channels)).prune()

    def places(self, channel: int) -> list[Place]:
        """The filters and columns that go with one channel of `name`; what norms know of it follows from them."""
        return [
            Place(self.names[module], read, positions)
            for module, read, positions in self._dependents(channel)
            if isinstance(module, nn.Conv2d)
        ]

    def positions(self, channel: int) -> dict[tuple[str, int], tuple[int, ...]]:
        """Where one channel of `name` lies: (layer, dimension of its weight) to positions, norms included."""
        found: dict[tuple[str, int], dict[int, None]] = {}
        for module, read, positions in self._dependents(channel):
            if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
                found.setdefault((self.names[module], int(read)), {}).update(dict.fromkeys(positions))
        return {axis: tuple(places) for axis, places in found.items()}

    def _dependents(self, channel: int) -> Iterator[tuple[nn.Module, bool, tuple[int, ...]]]:
        """Each layer that knows the channel, whether it reads it, and at which positions."""
        for dep, idxs in self.graph.get_pruning_group(self.root, tp.prune_conv_out_channels, [channel]):
            yield dep.target.module, not self.graph.is_out_channel_pruning_fn(dep.handler), tuple(idxs)


@contextmanager
def coupled_channels(net: TryOnNet, subnetworks: Sequence[str] = ("warp", "generator")) -> Iterator[list[Coupled]]:
    """All channels of these subnetworks that may go; the ends stay: pictures, offsets, cost volume, rendering and mask.

    `net` must be in eval mode, with gradients required. The groups are of no use after the block.
    """
    names = {module: name for name, module in net.named_modules()}
    tracers = {"warp": _trace_warp, "generator": _trace_generator}
    groups = [group for name in subnetworks for group in tracers[name](net.get_submodule(name), names)]
    try:
        yield groups
    finally:  # graphs are all cycles, and would hold the network and its activations until a garbage collection
        for node in {node for group in groups for node in group.graph.module2node.values()}:
            for cycle in (node.inputs, node.outputs, node.dependencies):
                cycle.clear()


def _trace_warp(warp: AFWM, names: dict[nn.Module, str]) -> list[Coupled]:
    pictures = [_picture(warp, channels) for channels in (warp.architecture["cond_channels"], 3)]
    return _trace(warp, pictures, warp.aflow_net.offset_layers(), _warp_with_products, names)


def _trace_generator(generator: ResUnetGenerator, names: dict[nn.Module, str]) -> list[Coupled]:
    inputs = _picture(generator, generator.architecture["in_channels"])
    return _trace(generator, [inputs], [generator.picture_layer()], lambda network, inputs: network(*inputs), names)


def _picture(network: nn.Module, channels: int) -> Tensor:
    return next(network.parameters()).new_zeros(1, channels, *SIZE)


def _trace(
    network: nn.Module,
    inputs: list[Tensor],
    fixed_layers: list[nn.Module],
    forward: Callable,
    names: dict[nn.Module, str],
) -> list[Coupled]:
    with torch.enable_grad():
        graph = tp.DependencyGraph().build_dependency(network, inputs, forward_fn=forward, verbose=False)
    groups = graph.get_all_groups(ignored_layers=fixed_layers, root_module_types=(nn.Conv2d,))
    return [_coupled(group, graph, names) for group in groups]


def _coupled(group: tp.Group, graph: tp.DependencyGraph, names: dict[nn.Module, str]) -> Coupled:
    touched = [(names[dep.target.module], dep) for dep, _ in group if dep.target.module in names]
    makers = [
        name
        for name, dep in touched
        if isinstance(dep.target.module, nn.Conv2d) and graph.is_out_channel_pruning_fn(dep.handler)
    ]
    return Coupled(makers[0], tuple(makers), tuple(name for name, _ in touched), group, graph, names)


def _warp_with_products(warp: AFWM, inputs: list[Tensor]) -> list[Tensor]:
    cond, cloth = inputs
    with _Cut() as cut:
        person = warp.look(cond)
        # a shared pyramid is traced once: torch-pruning takes a batch that is split for channels that are split
        offsets = (warp.move(person, person, cloth) if warp.shared else warp.align(person, cloth)).offsets
    return [*offsets, *cut.products]


class _Cut(TorchFunctionMode):
    """Detach grids and cost volumes, and keep the products of the features that are correlated."""

    def __init__(self):
        super().__init__()
        self.products: list[Tensor] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.grid_sample:
            image, grid, *options = args
            args = (image, grid.detach(), *options)
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.vtryon.correlate:
            self.products.append(args[0] * args[1])
            result = result.detach()
        return result
