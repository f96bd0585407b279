"""Ways to choose which channels go as a network shrinks; each becomes a function from "how far" to a pruned network.

How far is in [0, 1): for `Uniform` and `Ranked` the share of channels that go, for `BySensitivity` how much of its way
down is gone. More never costs more.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import numpy as np
from torch import Tensor

from vtryon.compression.budget.damage import Curve, damage
from vtryon.compression.budget.groups import Costs, Group, Widths, groups_of
from vtryon.compression.importance import Loss
from vtryon.compression.pruning import Pruning
from vtryon.data.sample import singles, worn_otherwise
from vtryon.models.tryon import PARTS, TryOnNet

Shrink = Callable[[float], TryOnNet]
Sample = tuple[Tensor, Tensor, Tensor]  # person, cloth and cloth_edge, a batch of one
MOST = 0.75  # of a group's channels, that may go by sensitivity: so far its damage is measured


class Uniform:
    """The same share of every group, the smallest channels first, but never the last; `weights` bend that by part.

    Args:
        weights: names of parts (`TryOnNet.parts`) to exponents: of a part with weight 2 twice as many channels go, as
            long as few do (1 - (1 - share)^2). 0 leaves it alone. A search may vary them.
    """

    def __init__(self, weights: Mapping[str, float] | None = None):
        self.weights = dict(weights or {})
        for part_name in self.weights.keys() - set(PARTS):
            raise ValueError(f"weights name {part_name!r}; the parts are {', '.join(PARTS)}")

    def __call__(self, net: TryOnNet, batches: Iterable, loss: Loss | None) -> Shrink:
        groups, part_of = groups_of(net), part_of_layers(net)

        def shrink(far: float) -> TryOnNet:
            shares = {g.name: (1 - far) ** self.weights.get(part_of[g.name], 1.0) for g in groups}
            return pruned_to(net, groups, {g.name: max(1, int(g.width * shares[g.name] + 1e-9)) for g in groups})

        return shrink


class Ranked:
    """The channels of all layers ranked together by an importance of torch-pruning's, such as `TaylorImportance`."""

    def __init__(self, importance: Callable, max_ratio: float = 0.9):
        self.importance, self.max_ratio = importance, max_ratio

    def __call__(self, net: TryOnNet, batches: Iterable, loss: Loss | None) -> Shrink:
        how = {"importance": self.importance, "global_pruning": True, "max_ratio": self.max_ratio, "round_to": 1}
        return lambda far: Pruning(far * self.max_ratio, **how)(net, batches, loss)


class BySensitivity:
    """Group by group, always where a saved product costs the least damage that was measured.

    Args:
        pairs: on how many training photos, each in another's garment, damage is measured.
        what: "area" saves multiply-accumulates, "size" weights.
    """

    def __init__(self, pairs: int = 4, what: str = "area"):
        if what not in ("area", "size"):
            raise ValueError(f"what (={what!r}) must be area or size")
        self.pairs, self.what = pairs, what

    def __call__(self, net: TryOnNet, batches: Iterable, loss: Loss | None) -> Shrink:
        samples = _samples(batches, self.pairs)
        groups, copied = groups_of(net), copy.deepcopy(net).eval()
        costs, curves = Costs(copied, groups, samples[0]), damage(copied, groups, samples)
        steps = way_down(groups, costs, curves, self.what)
        return lambda far: pruned_to(net, groups, steps[round(far * (len(steps) - 1))])


def way_down(groups: list[Group], costs: Costs, curves: Mapping[str, Curve], quantity: str = "area") -> list[Widths]:
    """Widths of the groups after each step of a greedy descent, from whole to `MOST` gone everywhere."""
    full_widths = {group.name: group.width for group in groups}
    smallest = {name: width - int(MOST * width) for name, width in full_widths.items()}
    damage_of = {name: _damage_by_count(curve) for name, curve in curves.items()}
    widths, steps, offers, due = dict(full_widths), [dict(full_widths)], {}, set(full_widths)
    while True:
        for name in due:
            further = max(smallest[name], widths[name] - max(1, full_widths[name] // 16))
            if further < widths[name]:
                price = damage_of[name](full_widths[name] - further) - damage_of[name](full_widths[name] - widths[name])
                offers[name] = (costs.saved(widths, name, further, quantity) / max(price, 1e-9), further)
            else:
                offers.pop(name, None)
        if not offers:
            return steps
        best = max(offers, key=offers.get)
        widths[best] = offers[best][1]
        steps.append(dict(widths))
        due = costs.beside[best]  # what the others' offers save is as it was


def pruned_to(net: TryOnNet, groups: list[Group], widths: Widths) -> TryOnNet:
    """A copy of `net` whose groups keep so many channels, the smallest ones going."""
    ratios = {group.name: 1 - widths[group.name] / group.width for group in groups}
    return Pruning(0.0, round_to=1, ratios=ratios)(net)


def part_of_layers(net: TryOnNet) -> dict[str, str]:
    """The part that each layer, by its name in the network, belongs to."""
    names = {module: name for name, module in net.named_modules()}
    part_of = {}
    for part_name, modules in net.parts().items():
        for module in modules:
            part_of |= {names[layer]: part_name for layer in module.modules()}
    return part_of


def _damage_by_count(curve: Curve) -> Callable[[float], float]:
    """Damage by channels gone, between the measured points; it never falls."""
    gone, errors = zip(*curve, strict=True)
    rising = np.maximum.accumulate(errors)
    return lambda count: float(np.interp(count, gone, rising))


def _samples(batches: Iterable, count: int) -> list[Sample]:
    samples = [*islice(map(worn_otherwise, singles(batches)), count)]
    if not samples:
        raise ValueError(
            "sensitivity is measured on training samples, and there are none: give data.root a folder of them"
        )
    return samples
