"""Channels that go together, the least important first, and what a network costs at any widths."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_pruning.pruner.importance import MagnitudeImportance

from vtryon.compression.dependency_graph import Place, coupled_channels
from vtryon.compression.pruning import prepared
from vtryon.models.tryon import TryOnNet

Widths = dict[str, int]  # channels that each group keeps


class Group(NamedTuple):
    """Channels that several layers share."""

    name: str  # of the convolution that stands for them
    occurrences: tuple[tuple[Place, ...], ...]  # where each channel lives
    order: tuple[int, ...]  # the channels as pruning by magnitude takes them

    @property
    def width(self) -> int:
        return len(self.occurrences)


class Conv(NamedTuple):
    """What one convolution costs, by the groups that it reads and makes."""

    area: int  # products a channel pair: kernel times places
    size: int  # weights a channel pair: the kernel
    read: tuple[tuple[str, int], ...]  # groups, and how often each of their channels is read
    fixed: int  # columns that belong to no group
    output_group: str | None
    out: int


def groups_of(net: TryOnNet) -> list[Group]:
    """All channels that may go."""
    importance = MagnitudeImportance(p=2)
    with prepared(net), torch.no_grad(), coupled_channels(net) as coupled_groups:
        return [
            Group(
                group.name,
                tuple(tuple(group.places(channel)) for channel in range(group.root.out_channels)),
                tuple(importance(group.group).argsort(stable=True).tolist()),
            )
            for group in coupled_groups
        ]


class Costs:
    """Multiply-accumulates and weights of the convolutions, for any widths of the groups.

    Args:
        net: whole.
        groups: of `net`.
        inputs: what the network is given, for the sizes of its maps.
    """

    def __init__(self, net: TryOnNet, groups: list[Group], inputs: tuple[Tensor, ...]):
        maker_of = {
            occurrence.layer: group.name
            for group in groups
            for occurrence in group.occurrences[0]
            if not occurrence.read
        }
        reads: dict[str, list[tuple[str, int]]] = {}
        for group in groups:
            for occurrence in group.occurrences[0]:
                if occurrence.read:
                    reads.setdefault(occurrence.layer, []).append((group.name, len(occurrence.channels)))
        full_widths = {group.name: group.width for group in groups}
        self.convs = []
        for name, (layer, positions) in conv_maps(net, inputs).items():
            read = tuple(reads.get(name, ()))
            kernel = layer.kernel_size[0] * layer.kernel_size[1]
            fixed = layer.in_channels - sum(full_widths[group] * often for group, often in read)
            self.convs.append(Conv(kernel * positions, kernel, read, fixed, maker_of.get(name), layer.out_channels))
        self.by_group = {
            name: [conv for conv in self.convs if conv.output_group == name or name in dict(conv.read)]
            for name in full_widths
        }
        self.beside = {  # groups that meet in a convolution: the width of each is a factor of the other's price
            name: {
                neighbour
                for conv in convs
                for neighbour in (conv.output_group, *dict(conv.read))
                if neighbour is not None
            }
            for name, convs in self.by_group.items()
        }

    def total(self, widths: Mapping[str, int], quantity: str = "area", only: list[Conv] | None = None) -> int:
        """`quantity`: "area" for multiply-accumulates, "size" for weights; `only`: of these convolutions."""
        return sum(
            getattr(conv, quantity)
            * (conv.fixed + sum(widths[name] * often for name, often in conv.read))
            * (conv.out if conv.output_group is None else widths[conv.output_group])
            for conv in (self.convs if only is None else only)
        )

    def saved(self, widths: Widths, name: str, width: int, quantity: str = "area") -> int:
        """What narrowing one group to `width` saves."""
        touched = self.by_group[name]
        return self.total(widths, quantity, touched) - self.total(widths | {name: width}, quantity, touched)


def conv_maps(net: TryOnNet, inputs: tuple[Tensor, ...]) -> dict[str, tuple[nn.Conv2d, int]]:
    """Each convolution, and how many places its answer has."""
    maps: dict[str, tuple[nn.Conv2d, int]] = {}

    def note(name: str):
        def hook(layer, inputs, out) -> None:
            maps[name] = (layer, out.shape[2] * out.shape[3])

        return hook

    layers = [(name, layer) for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_hook(note(name)) for name, layer in layers]
    try:
        with torch.no_grad():
            net(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return maps
