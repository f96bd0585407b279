"""The network in blocks of which one at a time is int8, all others staying float."""

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import nn

from vtryon.models.quantized.network import convert_observed, with_observers
from vtryon.models.quantized.parts import Subnetwork, replace_subnetworks, subnetworks_of
from vtryon.models.quantized.policy import Int8Policy
from vtryon.models.tryon import TryOnNet

Replace = Callable[[TryOnNet, Callable[[nn.Module], nn.Module]], None]  # put change(block) in the block's place


def blocks_of(net: TryOnNet) -> dict[str, Replace]:
    """By name: pyramids, heads with and without the offsets they emit, the generator's blocks, and scopes."""
    names = [f"{role} pyramid" for role in net.warp.pyramids()]
    for kind in ("cost", "refining"):
        names += [f"{kind} head {level + 1}" for level in range(len(net.warp.aflow_net.netMain))]
    blocks: dict[str, Replace] = {}
    for name, subnetwork in zip(names, subnetworks_of(net, "warp"), strict=True):
        blocks[name] = partial(_replace_subnetwork, subnetwork=subnetwork)
    blocks["coordinates"] = partial(_replace_layers, role="coordinates")
    for number, direction in enumerate(("down", "up")):
        for k in range(len(net.generator.blocks()[number])):
            blocks[f"generator {direction} {k + 1}"] = partial(_replace_generator_block, direction=number, number=k)
    blocks["painted picture"] = partial(_replace_layers, role="picture")
    for scope in ("warp", "generator", "all"):
        blocks[scope] = Int8Policy(scope).replace
    blocks["all, and what the parts say last"] = Int8Policy("all", keep_float=()).replace
    return blocks


def alone_in_int8(net: TryOnNet, replace: Replace, batches: Iterable[Sequence[torch.Tensor]]) -> TryOnNet:
    """A copy of `net` with one block in torch's int8, its ranges measured on `batches`."""
    copied, observed = copy.deepcopy(net).eval(), []

    def observe(block: nn.Module) -> nn.Module:
        observed.append(with_observers(block if any(block.children()) else nn.Sequential(block)))
        return observed[-1]

    replace(copied, observe)
    with torch.no_grad():
        for batch in batches:
            copied(*batch)
    names = {module: name for name, module in copied.named_modules()}
    for graph in observed:
        copied.set_submodule(names[graph], convert_observed(graph))
    return copied


def _replace_subnetwork(net: TryOnNet, change: Callable, subnetwork: Subnetwork) -> None:
    """Replace one subnetwork; the layers in it that the policy keeps float stay so."""
    replace_subnetworks(net, [subnetwork], Int8Policy().float_layers(net), change)


def _replace_layers(net: TryOnNet, change: Callable, role: str) -> None:
    names = {module: name for name, module in net.named_modules()}
    for layer in net.output_layers()[role]:
        net.set_submodule(names[layer], change(layer))


def _replace_generator_block(net: TryOnNet, change: Callable, direction: int, number: int) -> None:
    """Put the whole block in the place of its first layer, and nothing in the places of its others."""
    block = net.generator.blocks()[direction][number]
    first, *rest = list(block)
    for parent in list(net.generator.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(parent, nn.Sequential) and child is first and parent is not block:
                setattr(parent, name, change(block))
            elif isinstance(parent, nn.Sequential) and any(child is layer for layer in rest):
                setattr(parent, name, nn.Identity())
