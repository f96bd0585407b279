"""Forms of the cost volume in plain operations: the literature's shifted loop and Img2Col, and one for engines.

All say what `vtryon.models.correlation.cost_volume.correlate` says, to rounding.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

PIECE = 24  # positions of a row that are multiplied with what they see


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


def pieces(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"], radius: int = 3
) -> Float[Tensor, "b k h w"]:
    """Pieces of rows against what they see, a matrix product a vertical shift; the wanted products are gathered.

    For OpenVINO and ONNX Runtime, which run 49 slices several times slower: it has nothing but Pad, Gather, Slice,
    Reshape, Transpose and MatMul, and fixes no batch. There, tiles of 4x8 to 16x16 positions and all shifts in one
    product were slower.
    """
    c, h, w = map(int, first.shape[1:])  # constants in a trace
    span, size = 2 * radius + 1, min(PIECE, w)
    count, window_width = -(-w // size), size + 2 * radius
    beside = count * size - w
    positions, reach = (torch.arange(n, device=first.device) for n in (size, span))
    starts = size * torch.arange(count, device=first.device)[:, None]
    second = F.pad(second, (radius, radius + beside, radius, radius))
    windows = second.index_select(3, (starts + torch.arange(window_width, device=first.device)).flatten())
    windows = windows.reshape(-1, c, h + 2 * radius, count, window_width)
    windows = windows.permute(0, 2, 3, 1, 4)  # (b, h + 2r, count, c, window_width)
    first = (F.pad(first, (0, beside)) if beside else first).reshape(-1, c, h, count, size).permute(0, 2, 3, 1, 4)
    product_indices = (positions * (window_width + 1) + reach[:, None]).flatten()  # dx, then the place
    rows = [
        (first.transpose(3, 4) @ windows[:, dy : dy + h])  # (b, h, count, size, window_width)
        .reshape(-1, h, count, size * window_width)
        .index_select(3, product_indices)
        .reshape(-1, h, count, span, size)
        .permute(0, 3, 1, 2, 4)
        .reshape(-1, span, h, count * size)
        for dy in range(span)
    ]
    return torch.cat(rows, dim=1)[:, :, :, :w] / c
