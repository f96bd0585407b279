"""A network in torch itself, eager or compiled, in its form for inference, and optionally in bf16."""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.ao.nn import quantized as int8

from vtryon.deploy.runtime.exportable import ImageAndFlow
from vtryon.deploy.runtime.protocol import Batch, ImageFlow, RuntimeUnfitError
from vtryon.models.inference import quick
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet

TYPES = {"f32": None, "bf16": torch.bfloat16, "int8": None}  # autocast's, for operations that are not int8


class TorchRuntime:
    """A `Runtime` on the network's device.

    In bf16 convolutions alone are narrow (autocast); what stays float32 is listed in `vtryon.models.precision`.
    """

    def __init__(self, net: TryOnNet, precision: str = "f32", threads: int | None = None, compiled: bool = False):
        if precision not in TYPES:
            raise RuntimeUnfitError(f"precision={precision!r}: torch computes in one of {tuple(TYPES)}")
        if threads is not None:
            torch.set_num_threads(threads)
        self.precision, self.device = precision, next(net.parameters()).device
        net = copy.deepcopy(net) if isinstance(net, Int8TryOnNet) else quick(net)
        self.net = ImageAndFlow(net, {})
        self.run = torch.compile(self.net) if compiled else self.net

    @torch.inference_mode()
    def __call__(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> ImageFlow:
        pictures = (tensor.to(self.device, memory_format=torch.channels_last) for tensor in (person, cloth, cloth_edge))
        narrow = TYPES[self.precision]
        with torch.autocast(self.device.type, narrow, enabled=narrow is not None):
            image, flow = self.run(*pictures)
        return ImageFlow(image.float(), flow.float())

    def stream(self, batches: Iterable[Batch]) -> Iterator[ImageFlow]:
        for batch in batches:
            yield self(*batch)

    def convolutions(self) -> dict[str, int]:
        kinds = {nn.Conv2d: "bf16" if self.precision == "bf16" else "f32", int8.Conv2d: "int8"}
        return dict(Counter(kinds[kind] for module in self.net.modules() for kind in kinds if isinstance(module, kind)))
