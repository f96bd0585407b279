"""A narrow student starts from its teacher's most important channels instead of random weights.

The teacher is pruned to exactly the student's widths, so what hangs together stays together; the importance is
torch-pruning's, as for `Pruning`.
"""

import copy
import os
from collections.abc import Callable, Iterable

import torch
from torch_pruning.pruner.importance import MagnitudeImportance

from vtryon.compression.dependency_graph import coupled_channels
from vtryon.compression.importance import lowest
from vtryon.compression.pruning import keep_cost_scale, prepared
from vtryon.models.architecture import widths
from vtryon.models.checkpoint import load_net
from vtryon.models.tryon import TryOnNet


def slim_from(
    net: TryOnNet, path: str | os.PathLike, take: Iterable[str] = ("warp.", "generator."), importance=None
) -> None:
    """Fill the parts of `net` that `take` names with the network at `path`, reduced to the widths of `net`.

    Raises:
        ValueError: naming the layer of `net` that is wider than the teacher's.
    """
    weights = slimmed(load_net(path), net, importance).state_dict()
    taken = {key: value for key, value in weights.items() if key.startswith(tuple(take))}
    net.load_state_dict(net.state_dict() | taken)


def slimmed(teacher: TryOnNet, like: TryOnNet, importance: Callable | None = None) -> TryOnNet:
    """A copy of `teacher` with the widths of `like`; of each layer the most important channels stay."""
    net, target_widths, importance = copy.deepcopy(teacher), widths(like), importance or MagnitudeImportance(p=2)
    with prepared(net), torch.no_grad(), coupled_channels(net) as groups:
        plan = []
        for coupled in groups:
            scores, keep = importance(coupled.group), target_widths[coupled.name][-1]
            if keep > len(scores):
                raise ValueError(f"{coupled.name}: the student wants {keep} channels, its teacher has {len(scores)}")
            plan.append((coupled, lowest([scores], len(scores) - keep)[0]))
        pyramid_widths = net.warp.pyramid_widths()
        for coupled, channels in plan:
            if channels:
                coupled.remove(channels)
        keep_cost_scale(net, pyramid_widths)
    return net
