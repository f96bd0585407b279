"""Where each channel of a network lives in its weights, so that a narrower network can be cut out of them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vtryon.compression.dependency_graph import coupled_channels
from vtryon.compression.pruning import prepared
from vtryon.models.tryon import TryOnNet

Axis = tuple[str, int]  # a layer, and a dimension of its weight: 0 gives channels out, 1 reads them


class Segment(NamedTuple):
    """The positions that one group of coupled channels has in one dimension of a weight."""

    group: str  # the convolution that stands for the group
    positions: Tensor  # of its channels; those that stay longest come first


class ChannelMap:
    """Which part of each weight stays when every group of coupled channels keeps its first ones.

    Args:
        net: a student, whole.
        importance: torch_pruning's, from a group to a score a channel: the most important ones come first. None takes
            channels in the order in which they lie.
    """

    def __init__(self, net: TryOnNet, importance: Callable | None = None):
        self.axes: dict[Axis, list[Segment]] = {}
        layers = {name: layer for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)}
        with prepared(net), torch.no_grad(), coupled_channels(net) as groups:
            for coupled in groups:
                order = range(coupled.root.out_channels)
                if importance is not None:
                    order = importance(coupled.group).argsort(descending=True, stable=True).tolist()
                self._add(coupled.name, [coupled.positions(channel) for channel in order])
        self.dimensions = {  # of each weight, in which it can be cut
            f"{name}.{weight}": [(name, 0)]
            + ([(name, 1)] if weight == "weight" and isinstance(layer, nn.Conv2d) else [])
            for name, layer in layers.items()
            for weight, value in layer.state_dict().items()
            if value.dim()
        }
        correlated = net.warp.correlated_layers()[: len(net.warp.pyramid_widths())]
        names = {layer: name for name, layer in layers.items()}
        self.pyramid = [(names[layer], 0) for layer in correlated]  # a level each, coarsest first
        self.mean_readers = {  # of the cost volume of a level
            f"{names[head[0]]}.weight": axis
            for head, axis in zip(net.warp.aflow_net.netMain, self.pyramid, strict=True)
        }

    def _add(self, group: str, places: list[dict[Axis, tuple[int, ...]]]) -> None:
        """Note where the channels of a group lie; one that is read twice, as in a concatenation, makes two segments."""
        for axis in places[0]:
            columns = zip(*(place[axis] for place in places), strict=True)
            self.axes.setdefault(axis, []).extend(Segment(group, torch.tensor(column)) for column in columns)
            self.axes[axis].sort(key=lambda segment: int(segment.positions.min()))

    def full(self) -> dict[str, int]:
        """The channels of each group, by the convolution that stands for it."""
        return {segment.group: len(segment.positions) for segments in self.axes.values() for segment in segments}

    def cut(self, weights: Mapping[str, Tensor], kept: Mapping[str, int]) -> dict[str, Tensor]:
        """The weights of a narrower network, as parts of those of the whole one; gradients go back to them.

        The cost volume is a mean over features; the layers that read it are scaled so that those which are left do not
        count for more.

        Args:
            weights: of the whole network, by name; further ones, such as counters of batches, are passed on.
            kept: the channels that each group keeps, by the convolution that stands for it.
        """
        parts = {}
        for name, value in weights.items():
            for dimension, axis in enumerate(self.dimensions.get(name, ())):
                if axis in self.axes:
                    value = _taken(value, dimension, self.axes[axis], kept)
            if name in self.mean_readers:
                (features,) = self.axes[self.mean_readers[name]]
                value = value * (kept[features.group] / len(features.positions))
            parts[name] = value
        return parts


def _taken(value: Tensor, dimension: int, segments: list[Segment], kept: Mapping[str, int]) -> Tensor:
    positions = torch.cat([segment.positions[: kept[segment.group]] for segment in segments])
    first, count = int(positions[0]), len(positions)
    if torch.equal(positions, torch.arange(first, first + count)):
        return value.narrow(dimension, first, count)
    return value.index_select(dimension, positions.to(value.device))
