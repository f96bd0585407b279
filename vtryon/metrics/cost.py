"""The cost of a try-on network: parameters, multiply-accumulates and bytes, whole and by module."""

from typing import Protocol, runtime_checkable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vtryon.models.checkpoint import float_twin
from vtryon.models.quantized.network import Int8TryOnNet, stored_bytes
from vtryon.models.tryon import Agnostic, TryOnNet, TutorNet


@runtime_checkable
class ExportedNet(Protocol):
    """A network that a runtime computes instead of torch."""

    float_net: list[TryOnNet]  # the one network that it was exported from
    mib: float | None  # of its weights as saved


def cost(net: nn.Module, size: tuple[int, int] = (256, 192)) -> dict[str, float]:
    """Cost of one person and one garment at `size` (height, width), by torch's FLOP counter on shapes alone.

    Keys, for the whole network and under `cwm/`, `igm/` and `encoder/` (the paper's FeatureEncoder, one of the two):
        params_m: million parameters, without buffers.
        gmacs: 10^9 multiply-accumulates of convolutions and correlation; papers write "GFLOPs" and mean these.
        mib: MiB of the state_dict, buffers included, in the types it has now.
    and `correlation_gmacs`, the part of `gmacs` that no convolution does. A network with int8 parts, and one that was
    exported, has the parameters and the work of the float network that it was, and its own MiB.
    """
    if isinstance(net, ExportedNet):
        float_cost = cost(net.float_net[0], size)
        return {name: value for name, value in float_cost.items() if not name.endswith("mib")} | {"mib": net.mib}
    if isinstance(net, Int8TryOnNet):
        row = cost(float_twin(net), size)
        del row["encoder/mib"]  # it is a part of its pyramid now
        for prefix, module in _modules(net).items():
            if f"{prefix}mib" in row:
                row[f"{prefix}mib"] = _mib(module)
        return row
    flops = _flops(net, size)
    row = {"correlation_gmacs": flops[net].get(torch.ops.vtryon.correlate, 0) / 2e9}
    for prefix, module in _modules(net).items():
        row[f"{prefix}params_m"] = sum(parameter.numel() for parameter in module.parameters()) / 1e6
        row[f"{prefix}gmacs"] = sum(flops[module].values()) / 2e9
        row[f"{prefix}mib"] = _mib(module)
    return row


def _modules(net: TryOnNet) -> dict[str, nn.Module]:
    """Column prefixes, and the modules that they count."""
    encoder, _ = next(iter(net.warp.pyramids().values()))
    return {"": net, "cwm/": net.warp, "igm/": net.generator, "encoder/": encoder}


def _mib(module: nn.Module) -> float:
    return stored_bytes(module) / 2**20


def _flops(net: TryOnNet, size: tuple[int, int]) -> dict[nn.Module, dict]:
    """Operations (two a multiply-accumulate) of each module by operator, from a pass on the meta device."""
    shapes = {key: torch.empty(tensor.shape, device="meta") for key, tensor in net.state_dict().items()}
    image = torch.empty(1, 3, *size, device="meta")
    person = Agnostic(image[:, :1].expand(-1, 45, -1, -1), image, image[:, :1]) if isinstance(net, TutorNet) else image
    counter = FlopCounterMode(display=False)
    training = net.training
    try:
        with torch.no_grad(), counter:
            torch.func.functional_call(net.eval(), shapes, (person, image, image[:, :1]))
    finally:
        net.train(training)
    counts, root = counter.get_flop_counts(), type(net).__name__
    paths = {module: f"{root}.{name}".rstrip(".") for name, module in net.named_modules()}
    return {module: dict(counts.get(paths[module], {})) for module in _modules(net).values()}
