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
from vtryon.models import afwm, generator
from vtryon.models.afwm import AFWM
from vtryon.models.architecture import widths
from vtryon.models.checkpoint import load_net
from vtryon.models.generator import ResidualBlock, ResUnetGenerator
from vtryon.models.layers.convolution import with_separable
from vtryon.models.layers.encoder import ResBlock
from vtryon.models.tryon import TryOnNet

RELEASED = {"warp": afwm.STRUCTURE, "generator": generator.STRUCTURE}


def slim_from(
    net: TryOnNet, path: str | os.PathLike, take: Iterable[str] = ("warp.", "generator."), importance=None
) -> None:
    """Fill the parts of `net` that `take` names with the network at `path`, reduced to the widths of `net`.

    Where `net` has another structure than the teacher as released, it takes what it has of it: the coarser levels, the
    garment's encoder for both, and of each 3x3 convolution the nearest separable one.

    Raises:
        ValueError: naming the layer of `net` that is wider than the teacher's, or what of the teacher's structure it
            lacks.
    """
    teacher = load_net(path)
    narrow = slimmed(teacher, _twin(net, teacher), importance)
    for part in RELEASED:
        if _argument(net, part, "separable") and not _argument(teacher, part, "separable"):
            for block in narrow.get_submodule(part).modules():
                if isinstance(block, ResBlock | ResidualBlock):
                    block.block = with_separable(block.block)
    weights, taken_parts = net.state_dict(), tuple(take)
    taken = {key: value for key, value in narrow.state_dict().items() if key in weights and key.startswith(taken_parts)}
    net.load_state_dict(weights | taken)


def _twin(net: TryOnNet, teacher: TryOnNet) -> TryOnNet:
    """A network of the teacher's structure and the widths of `net`, on torch's meta device."""
    arguments = {}
    for part, released in RELEASED.items():
        own = net.get_submodule(part).architecture
        for name, value in released.items():
            wanted, theirs = own.get(name, value), _argument(teacher, part, name)
            if theirs not in (value, wanted):
                raise ValueError(
                    f"{name} (={wanted}) of the student's {part} must be {theirs}, as its teacher has it; or start "
                    "from random weights, with init=null"
                )
        arguments[part] = own | {name: _argument(teacher, part, name) for name in released}
    with torch.device("meta"):
        return TryOnNet(AFWM(**arguments["warp"]), ResUnetGenerator(**arguments["generator"]))


def _argument(net: TryOnNet, part: str, name: str) -> object:
    return net.get_submodule(part).architecture.get(name, RELEASED[part][name])


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
