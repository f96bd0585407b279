"""Channels that can go one at a time, chosen by layer name, and what goes with each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vtryon.compression.pruning import prepared
from vtryon.compression.trace import Coupled, Place, coupled_channels
from vtryon.nn.tryon import TryOnNet

CORRELATED = "warp.*_FPN.smooth.*"  # whom the cost volume reads, which is no convolution and has no columns


class Layer(NamedTuple):
    """A convolution, and where each of its first channels lives."""

    name: str
    filters: tuple[tuple[Place, ...], ...]

    @property
    def touched(self) -> set[str]:
        """The convolutions that answer otherwise when one of these filters is gone."""
        return {place.layer for places in self.filters for place in places}


def layers_of(net: TryOnNet, patterns: Sequence[str], filters: int | None = None) -> list[Layer]:
    """The layers whose names match one of `patterns`, in the network's own order.

    Args:
        patterns: of names, such as "warp.aflow_net.*"; a layer that shares its channels with others matches by any.
        filters: only the first so many of each; None takes all.

    Raises:
        ValueError: a pattern matches nothing, or a filter is read by nobody, so that removing it would do nothing.
    """
    order = {name: place for place, (name, _) in enumerate(net.named_modules())}
    with prepared(net), torch.no_grad(), coupled_channels(net) as groups:
        chosen = {_matching(group, patterns): group for group in groups}
        _refuse_strangers(patterns, groups)
        return [
            Layer(name, tuple(_whole(name, group, channel) for channel in range(group.root.out_channels)[:filters]))
            for name, group in sorted(
                ((name, group) for name, group in chosen.items() if name is not None), key=lambda pair: order[pair[0]]
            )
        ]


def _matching(group: Coupled, patterns: Sequence[str]) -> str | None:
    """The name under which a group was asked for."""
    return next((name for name in group.makers if any(fnmatchcase(name, pattern) for pattern in patterns)), None)


def _refuse_strangers(patterns: Sequence[str], groups: Sequence[Coupled]) -> None:
    makers = [name for group in groups for name in group.makers]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in makers):
            raise ValueError(f"layers: {pattern!r} matches no channels that may go; there are {', '.join(makers)}")


def felt(places: Sequence[Place]) -> tuple[Place, ...]:
    """Of all places where a channel lives, those at which its loss is felt."""
    return tuple(place for place in places if place.read or fnmatchcase(place.layer, CORRELATED))


def _whole(name: str, group: Coupled, channel: int) -> tuple[Place, ...]:
    places = felt(group.places(channel))
    if not any(place.read and place.channels for place in places):
        raise ValueError(f"{name}: nobody reads its filter {channel}, so that removing it would change nothing")
    return places


@contextmanager
def one_missing_each(net: TryOnNet, filters: Sequence[Sequence[Place]]) -> Iterator[None]:
    """Sample i of each batch is answered as by a network from which filter i is removed, everything else being whole.

    A channel that nobody reads is as good as removed, whatever norms make of it on the way, so statistics need no care.
    For the cost volume, which has no columns to leave out, the channel itself is silenced. It is a mean over features,
    of which a silent one still counts; pruning scales the next layer for that
    (`vtryon.compression.pruning.keep_cost_scale`), with the same result.
    """
    made: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    read: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    for sample, places in enumerate(filters):
        for place in places:
            (read if place.read else made).setdefault(place.layer, []).append((sample, place.channels))
    hooks = [net.get_submodule(name).register_forward_hook(_unmade(going)) for name, going in made.items()]
    hooks += [net.get_submodule(name).register_forward_pre_hook(_unread(going)) for name, going in read.items()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _unmade(going: list[tuple[int, tuple[int, ...]]]):
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        for sample, channels in going:
            out[sample, list(channels)] = 0

    return hook


def _unread(going: list[tuple[int, tuple[int, ...]]]):
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        seen = inputs[0].clone()  # others read it too
        for sample, channels in going:
            seen[sample, list(channels)] = 0
        return seen

    return hook
