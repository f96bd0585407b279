"""The network in blocks that can be int8 alone, all others staying float."""

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import nn
from torch.ao.quantization.quantize_fx import convert_fx

from vtryon.nn.quantised import hushed, watched
from vtryon.nn.quantised_parts import HEADS, parts_of, replace_parts
from vtryon.nn.tryon import TryOnNet

Place = Callable[[TryOnNet, Callable[[nn.Module], nn.Module]], None]  # put change(block) in the block's place


def blocks_of(net: TryOnNet) -> dict[str, Place]:
    """By name: pyramids, heads with and without the coordinates they emit, the generator's blocks, and wholes."""
    levels = range(len(net.warp.aflow_net.netMain))
    found = {"garment pyramid": _parts("warp.image_features"), "person pyramid": _parts("warp.cond_features")}
    for kind, word in (("netMain", "cost"), ("netRefine", "refining")):
        found |= {f"{word} head {level + 1}": _parts(f"warp.aflow_net.{kind}.{level}") for level in levels}
    found["coordinates"] = partial(_layers, names=[n for n in _ends(net) if n.startswith("warp")])
    for way, depth in ((0, "down"), (1, "up")):
        count = len(net.generator.blocks()[way])
        found |= {f"generator {depth} {k + 1}": partial(_rungs, way=way, number=k) for k in range(count)}
    found["painted picture"] = partial(_layers, names=[n for n in _ends(net) if n.startswith("generator")])
    for scope in ("warp", "generator", "all"):
        found[scope] = _parts(*parts_of(net, scope))
    found["all, and what the parts say last"] = _parts(*parts_of(net, "all"), keep_float=())
    return found


def alone_in_int8(net: TryOnNet, place: Place, batches: Iterable[Sequence[torch.Tensor]]) -> TryOnNet:
    """A copy of `net` with one block in torch's int8, its ranges measured on `batches`."""
    copied, graphs = copy.deepcopy(net).eval(), []

    def watch(block: nn.Module) -> nn.Module:
        graphs.append(watched(block if any(block.children()) else nn.Sequential(block)))
        return graphs[-1]

    place(copied, watch)
    with torch.no_grad():
        for batch in batches:
            copied(*batch)
    names = {module: name for name, module in copied.named_modules()}
    for graph in graphs:
        with hushed():
            copied.set_submodule(names[graph], convert_fx(graph))
    return copied


def _parts(*names: str, keep_float: Sequence[str] = HEADS) -> Place:
    return lambda net, change: replace_parts(net, names, keep_float, change)


def _ends(net: TryOnNet) -> list[str]:
    levels = range(len(net.warp.aflow_net.netMain))
    heads = [f"warp.aflow_net.{kind}.{level}.6" for kind in ("netMain", "netRefine") for level in levels]
    return [*heads, "generator.model.model.6"]


def _layers(net: TryOnNet, change: Callable, names: Sequence[str]) -> None:
    for name in names:
        net.set_submodule(name, change(net.get_submodule(name)))


def _rungs(net: TryOnNet, change: Callable, way: int, number: int) -> None:
    """The layers of one block stand in a row of a deeper module: the first takes all of them, the others nothing."""
    block = net.generator.blocks()[way][number]
    first, *others = list(block)
    for parent in list(net.generator.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(parent, nn.Sequential) and child is first and parent is not block:
                setattr(parent, name, change(block))
            elif isinstance(parent, nn.Sequential) and any(child is other for other in others):
                setattr(parent, name, nn.Identity())
