"""Structured channel pruning that knows what hangs together (Fang et al., "DepGraph", CVPR 2023)."""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn
from torch_pruning.pruner.importance import MagnitudeImportance

from vtryon.compression.dependency_graph import Coupled, coupled_channels
from vtryon.compression.importance import Loss, leave_gradients, lowest, reads_gradients
from vtryon.compression.method import CompressionMethod
from vtryon.compression.parameter_share import RATIOS_OF, channels_for
from vtryon.models.architecture import widths
from vtryon.models.tryon import TryOnNet

EVERYTHING = "all"
LayerWidths = Mapping[str, Sequence[int]]  # of a network by layer, as `widths` tells them


class Pruning(CompressionMethod):
    """Remove the least important channels: `pruned = Pruning(ratio=0.3, scope="generator")(net)`.

    Args:
        ratio: share of the channels that go, in [0, 1).
        scope: "all", or the path of a part: "warp", "generator", "warp.image_features"; only channels go of which no
            layer outside the part knows, so that a FeatureEncoder keeps its five outputs.
        importance: torch_pruning's, from a group of coupled channels to a score each; by default L2 magnitude.
        global_pruning: rank the channels of all layers together, instead of taking the same share of each.
        round_to: widths become multiples of this, rounding down; but none falls below it.
        ratios: other ratios for layers by name pattern, such as {"generator.model.model.3.*": 0.5}, ranked apart; where
            several match, the last counts. 0 leaves layers alone.
        steps: in how many steps `iterate` reaches the ratio.
        max_ratio: when ranking globally, the most that any layer may lose before rounding.
        ratio_of: what `ratio` is a share of: the "channels" of each layer, or the "parameters" of the scope, of which
            all layers then lose the same share of channels (in one step, without `ratios` or global ranking).
    """

    def __init__(
        self,
        ratio: float = 0.3,
        scope: str = EVERYTHING,
        importance: Callable | None = None,
        global_pruning: bool = False,
        round_to: int = 8,
        ratios: Mapping[str, float] | None = None,
        steps: int = 1,
        max_ratio: float = 1.0,
        ratio_of: str = "channels",
    ):
        self.ratio_of = ratio_of
        self.ratio, self.ratios, self.max_ratio = ratio, dict(ratios or {}), max_ratio
        self.scope, self.importance = scope, importance or MagnitudeImportance(p=2)
        self.global_pruning, self.round_to, self.steps = global_pruning, round_to, steps
        for name, value in {"ratio": ratio, **{f"ratios[{key!r}]": r for key, r in self.ratios.items()}}.items():
            if not 0 <= value < 1:
                raise ValueError(f"{name} (={value}) must be in [0, 1): the share of the channels that go")
            if global_pruning and value > max_ratio:
                raise ValueError(f"{name} (={value}) must be at most max_ratio (={max_ratio})")
        for name, value in {"round_to": round_to, "steps": steps}.items():
            if value < 1:
                raise ValueError(f"{name} (={value}) must be a whole number of at least 1")

        if ratio_of not in RATIOS_OF:
            raise ValueError(f"ratio_of (={ratio_of!r}) must be one of {', '.join(RATIOS_OF)}")
        if ratio_of == "parameters" and (global_pruning or self.ratios or steps > 1):
            raise ValueError(
                "ratio_of (='parameters') goes with steps=1, and neither with global_pruning nor with ratios"
            )

    def __call__(self, net: TryOnNet, batches: Iterable = (), loss: Loss | None = None) -> TryOnNet:
        """A pruned copy of `net`, all steps at once; `batches` and `loss(net, batch)` are for gradients."""
        pruned = copy.deepcopy(net)
        for _ in self.iterate(pruned, batches, loss):
            pass
        return pruned

    def iterate(self, net: TryOnNet, batches: Iterable = (), loss: Loss | None = None) -> Iterator[TryOnNet]:
        """Prune `net` itself step by step, yielding it after each, to be tuned by the caller.

        Its parameters are new ones after each step: an optimiser must be built anew.
        """
        original_widths = widths(net)
        for number in range(1, self.steps + 1):
            self.step(net, number, original_widths, batches, loss)
            yield net

    def step(
        self, net: TryOnNet, number: int, original_widths: LayerWidths, batches: Iterable = (), loss: Loss | None = None
    ) -> None:
        """Prune `net` itself to step `number` (1 to `steps`); the ratio is of `original_widths`, before the first.

        `number` and `original_widths` are all that a callback must store to go on after a restart. What cannot be done
        is told before anything is removed.
        """
        traced = self._parts(net)
        ratio = self.ratio if self.ratio_of == "channels" else self._channel_ratio(net)
        with prepared(net), torch.no_grad(), coupled_channels(net, traced) as groups:
            pools = self._pools([group for group in groups if self._inside(group)], ratio)
            if pools and reads_gradients(self.importance):
                leave_gradients(net, self.importance, batches, loss)
            plan = []
            for ratio, pool in pools:
                plan += zip(pool, self._surplus(pool, ratio, number, original_widths), strict=True)
            pyramid_widths = net.warp.pyramid_widths()
            for coupled, channels in plan:
                if channels:
                    coupled.remove(channels)
            keep_cost_scale(net, pyramid_widths)

    def _channel_ratio(self, net: TryOnNet) -> float:
        """The share of the channels that is `ratio` of the parameters, whichever channels go."""
        if self.ratio == 0:
            return 0.0

        def scoped_module(network: TryOnNet) -> nn.Module:
            return network if self.scope == EVERYTHING else network.get_submodule(self.scope)

        def pruned(share: float) -> nn.Module:
            return scoped_module(Pruning(share, self.scope, round_to=self.round_to)(net))

        return channels_for(self.ratio, scoped_module(net), pruned)

    def _parts(self, net: TryOnNet) -> list[str]:
        if self.scope == EVERYTHING:
            return ["warp", "generator"]
        containers = {name for name, module in net.named_modules() if name and any(module.children())}
        if self.scope not in containers:
            names = sorted(name for name in containers if name.count(".") < 2)
            raise ValueError(f"scope (={self.scope!r}) must be {EVERYTHING!r} or a part: {', '.join(names)}")
        return [self.scope.split(".")[0]]

    def _inside(self, group: Coupled) -> bool:
        return self.scope == EVERYTHING or all(name.startswith(self.scope + ".") for name in group.layers)

    def _pools(self, groups: list[Coupled], share: float) -> list[tuple[float, list[Coupled]]]:
        """Ratios, and the channels that are ranked together for them."""
        if not groups:
            raise ValueError(f"scope (={self.scope!r}) holds no channels that no layer outside knows; take a wider one")
        members: dict[str | None, list[Coupled]] = {key: [] for key in (None, *self.ratios)}
        matched = set()
        for group in groups:
            keys = [key for key in self.ratios if any(fnmatchcase(name, key) for name in group.makers)]
            matched.update(keys)
            members[keys[-1] if keys else None].append(group)
        for key in self.ratios.keys() - matched:
            raise ValueError(
                f"ratios name {key!r}, which matches no channels that may go in scope {self.scope!r}; "
                f"there are {', '.join(group.name for group in groups)}"
            )
        pools = []
        for key, pool in members.items():
            ratio = share if key is None else self.ratios[key]
            if ratio > 0 and pool:
                pools += [(ratio, pool)] if self.global_pruning else [(ratio, [group]) for group in pool]
        return pools

    def _surplus(self, pool: list[Coupled], ratio: float, number: int, original_widths: LayerWidths) -> list[list[int]]:
        """For each member of a pool, the channels to remove in this step."""
        scores = [self._scores(coupled, original_widths) for coupled in pool]
        full_width = sum(original_widths[coupled.name][-1] for coupled in pool)
        keep = math.floor(full_width * (1 - ratio * number / self.steps) + 1e-9)  # 10 * (1 - 0.9) falls short of 1
        going = lowest(scores, sum(map(len, scores)) - keep, self.round_to)
        for coupled, score, channels in zip(pool, scores, going, strict=True):
            if len(channels) == len(score):
                width = original_widths[coupled.name][-1]
                raise ValueError(
                    f"{coupled.name}: ratio (={ratio}) would empty it of its {width} channels; lower "
                    f"it{' or max_ratio' if self.global_pruning else ''}, or give the layer its own in ratios"
                )
        left = sum(map(len, scores)) - sum(map(len, going))
        if number == self.steps and left >= full_width:
            raise ValueError(
                f"{', '.join(coupled.name for coupled in pool)}: ratio (={ratio}) with round_to (={self.round_to}) "
                f"removes nothing of {full_width} channels; lower round_to, or give the layer ratio 0 in ratios"
            )
        return going

    def _scores(self, coupled: Coupled, original_widths: LayerWidths) -> Tensor:
        if reads_gradients(self.importance) and coupled.root.weight.grad is None:
            raise ValueError(f"{coupled.name}: the loss does not depend on it, so no gradient ranks its channels")
        scores = self.importance(coupled.group)
        if scores is None:
            raise ValueError(
                f"{coupled.name}: importance (={type(self.importance).__name__}) cannot judge it, no norm knows its "
                f"channels; take another importance, or give the layer ratio 0 in ratios"
            )
        scores = scores.float().cpu()
        safe = math.ceil(original_widths[coupled.name][-1] * (1 - self.max_ratio) - 1e-9)
        if self.global_pruning and safe > 0:
            scores[scores.topk(min(safe, len(scores))).indices] = math.inf
        return scores


@contextmanager
def prepared(net: nn.Module) -> Iterator[None]:
    """Eval mode and gradients for all, no gradient stored; afterwards all as it was, whatever the weights are then."""
    modes = {module: module.training for module in net.modules()}
    learns = {name: weight.requires_grad for name, weight in net.named_parameters()}
    net.eval().requires_grad_(True).zero_grad()
    try:
        yield
    finally:
        net.zero_grad()
        for name, weight in net.named_parameters():
            weight.requires_grad_(learns[name])
        for module, training in modes.items():
            module.training = training


def keep_cost_scale(net: TryOnNet, widths_before: list[int]) -> None:
    """The cost volume is a mean over features; once silent ones are gone, the rest would count for more."""
    for head, width_before, width_now in zip(
        net.warp.aflow_net.netMain, widths_before, net.warp.pyramid_widths(), strict=True
    ):
        head[0].weight.mul_(width_now / width_before)
