"""Ways to choose which channels go as a network shrinks; each becomes a function from "how far" to a pruned network.

How far is in [0, 1): for `Uniform` and `Ranked` the share of channels that go, for `BySensitivity` how much of its way
down is gone. More never costs more.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import islice

import numpy as np
from torch import Tensor

from vtryon.analysis.damage import Curve, damage
from vtryon.analysis.groups import Costs, Group, Widths, groups_of
from vtryon.compression.importance import Loss
from vtryon.compression.pruning import Pruning
from vtryon.data.sample import singles, worn_otherwise
from vtryon.nn.tryon import TryOnNet

Shrink = Callable[[float], TryOnNet]
Question = tuple[Tensor, Tensor, Tensor]  # person, cloth and cloth_edge, a batch of one
PARTS = {
    "encoders": "warp.*_features.*",
    "pyramids": "warp.*_FPN.*",
    "flow": "warp.aflow_net.*",
    "generator": "generator.*",
}
MOST = 0.75  # of a group's channels, that may go by sensitivity: so far its damage is measured


class Uniform:
    """The same share of every group, the smallest channels first, but never the last; `weights` bend that by part.

    Args:
        weights: names of `PARTS` to exponents: of a part with weight 2 twice as many channels go, as long as few do
            (1 - (1 - share)^2). 0 leaves it alone. They are what a search is let loose on.
    """

    def __init__(self, weights: Mapping[str, float] | None = None):
        self.weights = dict(weights or {})
        for part in self.weights.keys() - PARTS.keys():
            raise ValueError(f"weights name {part!r}; the parts are {', '.join(PARTS)}")

    def __call__(self, net: TryOnNet, batches: Iterable, loss: Loss | None) -> Shrink:
        groups = groups_of(net)

        def shrink(far: float) -> TryOnNet:
            shares = {group.name: (1 - far) ** self._weight(group.name) for group in groups}
            return pruned_to(net, groups, {g.name: max(1, int(g.width * shares[g.name] + 1e-9)) for g in groups})

        return shrink

    def _weight(self, name: str) -> float:
        return next((w for part, w in self.weights.items() if fnmatchcase(name, PARTS[part])), 1.0)


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
        questions = _questions(batches, self.pairs)
        groups, asked = groups_of(net), copy.deepcopy(net).eval()
        costs, curves = Costs(asked, groups, questions[0]), damage(asked, groups, questions)
        steps = way_down(groups, costs, curves, self.what)
        return lambda far: pruned_to(net, groups, steps[round(far * (len(steps) - 1))])


def way_down(groups: list[Group], costs: Costs, curves: Mapping[str, Curve], what: str = "area") -> list[Widths]:
    """Widths of the groups after each step of a greedy descent, from whole to `MOST` gone everywhere."""
    whole = {group.name: group.width for group in groups}
    least = {name: width - int(MOST * width) for name, width in whole.items()}
    harm = {name: _harm(curve) for name, curve in curves.items()}
    widths, steps, offers, due = dict(whole), [dict(whole)], {}, set(whole)
    while True:
        for name in due:
            further = max(least[name], widths[name] - max(1, whole[name] // 16))
            if further < widths[name]:
                price = harm[name](whole[name] - further) - harm[name](whole[name] - widths[name])
                offers[name] = (costs.saved(widths, name, further, what) / max(price, 1e-9), further)
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


def _harm(curve: Curve) -> Callable[[float], float]:
    """Damage by channels gone, between the measured points; it never falls."""
    gone, errors = zip(*curve, strict=True)
    rising = np.maximum.accumulate(errors)
    return lambda count: float(np.interp(count, gone, rising))


def _questions(batches: Iterable, count: int) -> list[Question]:
    found = [*islice(map(worn_otherwise, singles(batches)), count)]
    if not found:
        raise ValueError(
            "sensitivity is measured on training samples, and there are none: give data.root a folder of them"
        )
    return found
