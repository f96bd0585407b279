"""Channels that go together, the least important first, and what a network costs at any widths."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_pruning.pruner.importance import MagnitudeImportance

from vtryon.compression.pruning import prepared
from vtryon.compression.trace import Place, coupled_channels
from vtryon.nn.tryon import TryOnNet

Widths = dict[str, int]  # channels that each group keeps


class Group(NamedTuple):
    """Channels that several layers share."""

    name: str  # of the convolution that stands for them
    places: tuple[tuple[Place, ...], ...]  # where each channel lives
    order: tuple[int, ...]  # the channels as pruning by magnitude takes them

    @property
    def width(self) -> int:
        return len(self.places)


class Conv(NamedTuple):
    """What one convolution costs, by the groups that it reads and makes."""

    area: int  # products a channel pair: kernel times places
    size: int  # weights a channel pair: the kernel
    read: tuple[tuple[str, int], ...]  # groups, and how often each of their channels is read
    fixed: int  # columns that belong to no group
    made: str | None
    out: int


def groups_of(net: TryOnNet) -> list[Group]:
    """All channels that may go."""
    importance = MagnitudeImportance(p=2)
    with prepared(net), torch.no_grad(), coupled_channels(net) as found:
        return [
            Group(
                group.name,
                tuple(tuple(group.places(channel)) for channel in range(group.root.out_channels)),
                tuple(importance(group.group).argsort(stable=True).tolist()),
            )
            for group in found
        ]


class Costs:
    """Multiply-accumulates and weights of the convolutions, for any widths of the groups.

    Args:
        net: whole.
        groups: of `net`.
        question: what the network is asked, for the sizes of its maps.
    """

    def __init__(self, net: TryOnNet, groups: list[Group], question: tuple[Tensor, ...]):
        made = {place.layer: group.name for group in groups for place in group.places[0] if not place.read}
        reads: dict[str, list[tuple[str, int]]] = {}
        for group in groups:
            for place in group.places[0]:
                if place.read:
                    reads.setdefault(place.layer, []).append((group.name, len(place.channels)))
        whole = {group.name: group.width for group in groups}
        self.convs = []
        for name, (layer, places) in _maps(net, question).items():
            read = tuple(reads.get(name, ()))
            kernel = layer.kernel_size[0] * layer.kernel_size[1]
            fixed = layer.in_channels - sum(whole[group] * often for group, often in read)
            self.convs.append(Conv(kernel * places, kernel, read, fixed, made.get(name), layer.out_channels))
        self.by_group = {
            name: [conv for conv in self.convs if conv.made == name or name in dict(conv.read)] for name in whole
        }
        self.beside = {  # groups that meet in a convolution: the one's width is the other's price
            name: {other for conv in convs for other in (conv.made, *dict(conv.read)) if other is not None}
            for name, convs in self.by_group.items()
        }

    def total(self, widths: Mapping[str, int], what: str = "area", only: list[Conv] | None = None) -> int:
        """`what`: "area" for multiply-accumulates, "size" for weights; `only`: of these convolutions."""
        return sum(
            getattr(conv, what)
            * (conv.fixed + sum(widths[name] * often for name, often in conv.read))
            * (conv.out if conv.made is None else widths[conv.made])
            for conv in (self.convs if only is None else only)
        )

    def saved(self, widths: Widths, name: str, width: int, what: str = "area") -> int:
        """What narrowing one group to `width` saves."""
        own = self.by_group[name]
        return self.total(widths, what, own) - self.total(widths | {name: width}, what, own)


def _maps(net: TryOnNet, question: tuple[Tensor, ...]) -> dict[str, tuple[nn.Conv2d, int]]:
    """Each convolution, and how many places its answer has."""
    found: dict[str, tuple[nn.Conv2d, int]] = {}

    def note(name: str):
        def hook(layer, inputs, out) -> None:
            found[name] = (layer, out.shape[2] * out.shape[3])

        return hook

    layers = [(name, layer) for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_hook(note(name)) for name, layer in layers]
    try:
        with torch.no_grad():
            net(*question)
    finally:
        for hook in hooks:
            hook.remove()
    return found
