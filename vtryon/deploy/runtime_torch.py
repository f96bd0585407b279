"""A network in torch itself, eager or compiled: its quick form, and in bf16 where that is asked for."""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.ao.nn import quantized as int8

from vtryon.deploy.pictures import Pictures
from vtryon.deploy.runtime import Answer, Batch, RuntimeUnfitError
from vtryon.nn.quantised import Int8TryOnNet
from vtryon.nn.quick import QUICK, quick
from vtryon.nn.tryon import TryOnNet

TYPES = {"f32": None, "bf16": torch.bfloat16, "int8": None}  # of what is not int8 already


class TorchRuntime:
    """As `vtryon.deploy.runtime.Runtime`; on the device where the network is.

    In bf16 convolutions alone are narrow (autocast): offsets become float32 before they are coordinates, which
    eight bits of mantissa would round to half a pixel.
    """

    def __init__(self, net: TryOnNet, precision: str = "f32", threads: int | None = None, compiled: bool = False):
        if precision not in TYPES:
            raise RuntimeUnfitError(f"precision={precision!r}: torch computes in one of {tuple(TYPES)}")
        if threads is not None:
            torch.set_num_threads(threads)
        self.precision, self.device = precision, next(net.parameters()).device
        net = copy.deepcopy(net) if isinstance(net, Int8TryOnNet) else quick(net)
        for head in (*net.warp.aflow_net.netMain, *net.warp.aflow_net.netRefine):
            head.register_forward_hook(lambda module, inputs, offset: offset.float())
        self.net = Pictures(net, OPERATIONS)
        self.run = torch.compile(self.net) if compiled else self.net

    @torch.inference_mode()
    def __call__(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> Answer:
        pictures = (each.to(self.device, memory_format=torch.channels_last) for each in (person, cloth, cloth_edge))
        narrow = TYPES[self.precision]
        with torch.autocast(self.device.type, narrow, enabled=narrow is not None):
            image, flow = self.run(*pictures)
        return Answer(image.float(), flow.float())

    def stream(self, batches: Iterable[Batch]) -> Iterator[Answer]:
        for batch in batches:
            yield self(*batch)

    def convolutions(self) -> dict[str, int]:
        kinds = {nn.Conv2d: "bf16" if self.precision == "bf16" else "f32", int8.Conv2d: "int8"}
        return dict(Counter(kinds[kind] for module in self.net.modules() for kind in kinds if isinstance(module, kind)))


def _correlate(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """In float32, whatever convolutions are in."""
    return torch.ops.vtryon.correlate(first.float(), second.float(), radius)


OPERATIONS = QUICK | {torch.ops.vtryon.correlate: _correlate}
