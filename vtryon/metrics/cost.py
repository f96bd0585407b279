"""What a try-on network costs: parameters, multiply-accumulates and bytes, whole and by module."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vtryon.nn.checkpoint import float_twin
from vtryon.nn.quantised import Int8TryOnNet, stored_bytes
from vtryon.nn.tryon import Agnostic, TutorNet

MODULES = {  # column prefix: path in TryOnNet
    "": "",
    "cwm/": "warp",
    "igm/": "generator",
    "encoder/": "warp.image_features",
}
PARTS = {prefix: path for prefix, path in MODULES.items() if prefix != "encoder/"}


def cost(net: nn.Module, size: tuple[int, int] = (256, 192)) -> dict[str, float]:
    """Cost of one person and one garment at `size` (height, width), by torch's FLOP counter on shapes alone.

    Keys, for the whole network and under `cwm/`, `igm/` and `encoder/` (the paper's FeatureEncoder, one of the two):
        params_m: million parameters, without buffers.
        gmacs: 10^9 multiply-accumulates of convolutions and correlation; papers write "GFLOPs" and mean these.
        mib: MiB of the state_dict, buffers included, in the types it has now.
    and `correlation_gmacs`, the part of `gmacs` that no convolution does. A network with int8 parts has the parameters
    and the work of the float one that it was, and its own MiB.
    """
    if isinstance(net, Int8TryOnNet):
        row = cost(float_twin(net), size) | {f"{prefix}mib": _mib(net.get_submodule(PARTS[prefix])) for prefix in PARTS}
        del row["encoder/mib"]  # a part of its pyramid now
        return row
    flops = _flops(net, size)
    row = {"correlation_gmacs": flops[""].get(torch.ops.vtryon.correlate, 0) / 2e9}
    for prefix, path in MODULES.items():
        module = net.get_submodule(path)
        row[f"{prefix}params_m"] = sum(parameter.numel() for parameter in module.parameters()) / 1e6
        row[f"{prefix}gmacs"] = sum(flops[path].values()) / 2e9
        row[f"{prefix}mib"] = _mib(module)
    return row


def _mib(module: nn.Module) -> float:
    return stored_bytes(module) / 2**20


def _flops(net: nn.Module, size: tuple[int, int]) -> dict[str, dict]:
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
    return {path: dict(counts.get(f"{root}.{path}".rstrip("."), {})) for path in MODULES.values()}
