"""Weights of two bytes: rounded once and stored so; each runtime chooses the type in which it computes with them."""

import copy
from collections.abc import Callable, Iterable

import torch

from vtryon.compression.method import CompressionMethod
from vtryon.models.quantized.network import set_storage_type
from vtryon.models.tryon import TryOnNet

TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


class HalfWeights(CompressionMethod):
    """Round every weight and statistic to `kind`: "fp16" (11 bits of mantissa) or "bf16" (8 bits, f32's range)."""

    def __init__(self, kind: str):
        if kind not in TYPES:
            raise ValueError(f"kind (={kind!r}) must be one of {', '.join(TYPES)}")
        self.kind = kind

    def __call__(self, net: TryOnNet, batches: Iterable = (), loss: Callable | None = None) -> TryOnNet:
        """A copy that computes in f32 on rounded weights, and is counted and saved in two bytes a weight.

        Raises:
            ValueError: naming a weight that leaves the range of fp16.
        """
        halved = copy.deepcopy(net)
        with torch.no_grad():
            for name, value in halved.state_dict().items():
                if value.is_floating_point():
                    value.copy_(value.to(TYPES[self.kind]))
                    if not torch.isfinite(value).all():
                        raise ValueError(f"{name} holds numbers beyond the range of {self.kind}; take bf16")
        return set_storage_type(halved, TYPES[self.kind])
