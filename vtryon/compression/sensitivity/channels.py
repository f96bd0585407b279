"""Channels that can go one at a time, chosen by layer name, and what goes with each."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vtryon.compression.dependency_graph import Coupled, Place, coupled_channels
from vtryon.compression.pruning import prepared
from vtryon.models.tryon import TryOnNet


class Layer(NamedTuple):
    """A convolution, and where each of its first channels lives."""

    name: str
    filters: tuple[tuple[Place, ...], ...]


def layers_of(net: TryOnNet, patterns: Sequence[str], filters: int | None = None) -> list[Layer]:
    """The layers whose names match one of `patterns`, in the network's own order.

    Args:
        patterns: of names, such as "warp.aflow_net.*"; a layer that shares its channels with others matches by any.
        filters: only the first so many of each; None takes all.

    Raises:
        ValueError: a pattern matches nothing, or no layer reads a filter, so that removing it would do nothing.
    """
    order = {name: position for position, (name, _) in enumerate(net.named_modules())}
    correlated = correlated_layers(net)
    with prepared(net), torch.no_grad(), coupled_channels(net) as groups:
        chosen = {}
        for group in groups:
            matching = [name for name in group.makers if any(fnmatchcase(name, pattern) for pattern in patterns)]
            if matching:
                chosen[matching[0]] = group
        _raise_if_unmatched(patterns, groups)
        layers = []
        for name in sorted(chosen, key=order.__getitem__):
            channels = range(chosen[name].root.out_channels)[:filters]
            layers.append(Layer(name, tuple(_read_places(name, chosen[name], k, correlated) for k in channels)))
        return layers


def _raise_if_unmatched(patterns: Sequence[str], groups: Sequence[Coupled]) -> None:
    makers = [name for group in groups for name in group.makers]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in makers):
            raise ValueError(f"layers: {pattern!r} matches no channels that may go; there are {', '.join(makers)}")


def correlated_layers(net: TryOnNet) -> set[str]:
    """Names of the convolutions whose outputs the cost volume reads: it is no convolution and has no input columns."""
    names = {module: name for name, module in net.named_modules()}
    return {names[layer] for layer in net.warp.correlated_layers()}


def places_to_mask(occurrences: Sequence[Place], correlated: Collection[str]) -> tuple[Place, ...]:
    """Of all places where a channel lives, those at which it is masked: its readers, and the `correlated` layers."""
    return tuple(occurrence for occurrence in occurrences if occurrence.read or occurrence.layer in correlated)


def _read_places(name: str, group: Coupled, channel: int, correlated: Collection[str]) -> tuple[Place, ...]:
    occurrences = places_to_mask(group.places(channel), correlated)
    if not any(occurrence.read and occurrence.channels for occurrence in occurrences):
        raise ValueError(f"{name}: no layer reads its filter {channel}, so that removing it would change nothing")
    return occurrences


@contextmanager
def one_missing_each(net: TryOnNet, filters: Sequence[Sequence[Place]]) -> Iterator[None]:
    """Inside the block, sample i of each batch is computed as by a network from which filter i alone is removed.

    A channel that no layer reads is as good as removed, whatever norms make of it, so statistics need no care.
    For the cost volume, which has no columns to leave out, the channel itself is masked. It is a mean over features,
    of which a masked one still counts; pruning scales the next layer for that
    (`vtryon.compression.pruning.keep_cost_scale`), with the same result.
    """
    outputs: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    inputs: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    for sample, occurrences in enumerate(filters):
        for occurrence in occurrences:
            (inputs if occurrence.read else outputs).setdefault(occurrence.layer, []).append(
                (sample, occurrence.channels)
            )
    hooks = [net.get_submodule(name).register_forward_hook(_unmade(going)) for name, going in outputs.items()]
    hooks += [net.get_submodule(name).register_forward_pre_hook(_unread(going)) for name, going in inputs.items()]
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
        masked_input = inputs[0].clone()  # others read it too
        for sample, channels in going:
            masked_input[sample, list(channels)] = 0
        return masked_input

    return hook
