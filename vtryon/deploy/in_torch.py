"""Try-on from photos by a network or a runtime that takes tensors."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor, nn

from vtryon.data.cloth_mask import cloth_mask
from vtryon.data.files.masks import read_mask
from vtryon.deploy.runtime.arrays import Answers, Arrays
from vtryon.deploy.runtime.protocol import Batch, Runtime
from vtryon.deploy.tryon import PreparedPair, Stream, batch_of, photos, prepare


def try_on(
    net: nn.Module,
    person: UInt8[np.ndarray, "h w 3"],
    cloth: UInt8[np.ndarray, "hc wc 3"],
    edge: Shaped[np.ndarray, "hc wc *c"] | None = None,
    size: tuple[int, int] = (256, 192),
    mask_method: str = "opencv",
) -> UInt8[np.ndarray, "h w 3"]:
    """The person in the garment, all RGB in 0..255; `edge` is its mask in any form, made here when it is None."""
    if net.training:
        raise ValueError("the network is in training mode, where a batch changes its statistics; call net.eval() first")
    mask = cloth_mask(cloth, mask_method) if edge is None else read_mask(edge).pixels
    prepared = prepare(person, cloth, mask, size)
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    with torch.inference_mode():
        image = net(*(tensor.to(device) for tensor in tensors([prepared]))).image
    return prepared.restore(pictures(image)[0])


def stream_of(runtime: Runtime) -> Stream:
    """Its stream, on arrays."""

    def stream(batches: Iterable[Arrays]) -> Iterator[Answers]:
        for result in runtime.stream(tuple(map(torch.from_numpy, batch)) for batch in batches):
            yield Answers(result.image.float().cpu().numpy(), result.flow.float().cpu().numpy())

    return stream


def tensors(pairs: Sequence[PreparedPair]) -> Batch:
    """Pairs of one size: person, cloth, cloth_edge."""
    return tuple(map(torch.from_numpy, batch_of(pairs)))


def pictures(image: Tensor) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Try-ons (b, 3, h, w) in [-1, 1] as 8-bit RGB, where all are finite."""
    return photos(image.float().cpu().numpy())
