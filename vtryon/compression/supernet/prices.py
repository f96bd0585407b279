"""What the networks of a supernet cost, by counting, so that thousands can be compared in a second."""

from math import prod

import torch

from vtryon.compression.budget.groups import conv_maps
from vtryon.compression.budget.plans import part_of_layers
from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.widths import Choice
from vtryon.metrics.cost import cost
from vtryon.models.tryon import PARTS


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
        self.parts = part_of_layers(net)
        self.weights = {name: (tuple(value.shape), value.element_size()) for name, value in net.state_dict().items()}
        self.correlation = cost(net, size)["correlation_gmacs"] / self._width(self.map.pyramid[0], self.map.full())

    def gmacs(self, choice: Choice) -> float:
        return sum(self.gmacs_by_part(choice).values())

    def gmacs_by_part(self, choice: Choice) -> dict[str, float]:
        """GMACs of the encoders, the pyramids, the flow network, its cost volumes included, and the generator."""
        kept = self.kept(choice)
        by_part = dict.fromkeys(PARTS, 0.0)
        for layer, places in self.places.items():
            products = prod(self._shape(f"{layer}.weight", self.weights[f"{layer}.weight"][0], kept)) * places
            by_part[self.parts[layer]] += products / 1e9
        by_part["flow"] += self.correlation * self._width(self.map.pyramid[0], kept)  # all levels are as wide
        return by_part

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
