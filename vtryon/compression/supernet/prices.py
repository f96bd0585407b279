"""What the networks of a supernet cost, by counting, so that thousands can be compared in a second."""

from math import prod

import torch

from vtryon.compression.budget.groups import conv_maps
from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.widths import Choice
from vtryon.metrics.cost import cost


class Prices:
    """GMACs and MiB of every choice, as `vtryon.metrics.cost.cost` counts them in the network itself.

    Args:
        supernet: whose networks are counted.
        size: (height, width) of the pictures.
    """

    def __init__(self, supernet: Supernet, size: tuple[int, int]):
        net, self.kept, self.map = supernet.net, supernet.kept, supernet.map
        device = next(net.parameters()).device
        picture, mask = torch.zeros(1, 3, *size, device=device), torch.zeros(1, 1, *size, device=device)
        was_training = net.training
        self.places = {name: count for name, (_, count) in conv_maps(net.eval(), (picture, picture, mask)).items()}
        net.train(was_training)
        self.weights = {name: (tuple(value.shape), value.element_size()) for name, value in net.state_dict().items()}
        self.correlation = cost(net, size)["correlation_gmacs"] / self._width(self.map.pyramid[0], self.map.full())

    def gmacs(self, choice: Choice) -> float:
        kept = self.kept(choice)
        products = sum(
            prod(self._shape(f"{layer}.weight", shape, kept)) * self.places[layer]
            for layer, shape in ((name.removesuffix(".weight"), shape) for name, (shape, _) in self.weights.items())
            if layer in self.places
        )
        return products / 1e9 + self.correlation * self._width(self.map.pyramid[0], kept)  # all levels are as wide

    def mib(self, choice: Choice) -> float:
        kept = self.kept(choice)
        return sum(prod(self._shape(name, shape, kept)) * size for name, (shape, size) in self.weights.items()) / 2**20

    def _shape(self, name: str, shape: tuple[int, ...], kept: dict[str, int]) -> list[int]:
        """The shape of a weight of the whole network, once it is cut."""
        axes = self.map.dimensions.get(name, ())
        cut = [
            self._width(axis, kept) if axis in self.map.axes else full for axis, full in zip(axes, shape, strict=False)
        ]
        return [*cut, *shape[len(cut) :]]

    def _width(self, axis: tuple[str, int], kept: dict[str, int]) -> int:
        return sum(kept[segment.group] for segment in self.map.axes[axis])
