"""Plain forms of the cost volume: the shifted loop and Img2Col of the literature, and bands for small pictures.

All say what `vtryon.nn.correlation.correlate` says, to rounding.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

BAND = 4  # rows


def shifted(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> Float[Tensor, "b k h w"]:
    """CorrTorch: one product of whole pictures for each displacement."""
    h, w = first.shape[2:]
    second, reach = F.pad(second, (radius,) * 4), range(2 * radius + 1)
    products = [(first * second[:, :, y : y + h, x : x + w]).mean(1, keepdim=True) for y in reach for x in reach]
    return torch.cat(products, dim=1)


def unfolded(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> Float[Tensor, "b k h w"]:
    """Img2Col: all patches of `second` side by side, 49 times its memory, and one product a place."""
    b, c, h, w = first.shape
    patches = F.unfold(second, 2 * radius + 1, padding=radius).view(b, c, -1, h * w)
    return torch.einsum("bcp,bckp->bkp", first.reshape(b, c, h * w), patches).view(b, -1, h, w) / c


def banded(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> Float[Tensor, "b k h w"]:
    """Bands of whole rows against all they see: nothing but the margins is copied, but wide rows multiply in vain."""
    b, c, h, w = first.shape
    bands, span, line = -(-h // BAND), 2 * radius + 1, w + 2 * radius
    below = bands * BAND - h
    first = (F.pad(first, (0, 0, 0, below)) if below else first.contiguous()).view(b, c, bands, BAND * w)
    second = F.pad(second, (radius, radius, radius, radius + below)).contiguous()  # channels-last stays so in a pad
    size = (BAND + 2 * radius) * line
    shape, strides = (bands, c, size), (BAND * line, second.stride(1), 1)
    seen = [second.as_strided(shape, strides, n * second.stride(0)) for n in range(b)]
    out = first.new_empty(b, span, span, bands, BAND, w)
    for n in range(b):
        product = torch.bmm(first[n].permute(1, 2, 0), seen[n])  # (bands, 4 w, 10 (w + 6))
        strides = (line, 1, BAND * w * size, w * size + line, size + 1)
        torch.div(product.as_strided((span, span, bands, BAND, w), strides), c, out=out[n])
    return out.view(b, span**2, bands * BAND, w)[:, :, :h].contiguous()
