"""OpenPose's 18 keypoints as the maps that the tutor sees: -1, and +1 in a square around the keypoint."""

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor

HALF_SIDE = 5 / 192  # of a square, in picture widths: 5 pixels at 256x192
EMPTY = (0, 0, -1, -1)


def pose_maps(boxes: Int32[Tensor, "b k 4"], size: tuple[int, int]) -> Float[Tensor, "b k h w"]:
    """Fill the boxes of `boxes(...)` in maps of `size` (h, w).

    A box is the outer product of its rows and its columns; one multiplication writes all maps of the batch.
    """
    x0, y0, x1, y1 = boxes[..., None].unbind(-2)
    y, x = (torch.arange(n, dtype=torch.int32, device=boxes.device) for n in size)
    rows = (2.0 * ((y >= y0) & (y <= y1)))[..., :, None]  # (b, k, h, 1)
    columns = ((x >= x0) & (x <= x1)).to(rows.dtype)[..., None, :]  # (b, k, 1, w)
    return (rows * columns).sub_(1)


def boxes(
    keypoints: Float[np.ndarray, "k 2"], size: tuple[int, int], source: tuple[int, int]
) -> Int32[np.ndarray, "k 4"]:
    """The pixels x0, y0, x1, y1 (inclusive) that PF-AFN's PIL rectangle x ± 5, y ± 5 covers.

    Args:
        keypoints: x and y in pixels of a photo of `source` (h, w), in float64, which decides the odd pixel.
        size: (h, w) of the maps; coordinates and squares scale with it.
        source: (h, w) of the photo that the keypoints were found in.

    A keypoint with x <= 1 or y <= 1 is OpenPose's "not found" and gets an empty box.
    """
    scale = np.array([size[1] / source[1], size[0] / source[0]])
    last = np.array([size[1] - 1, size[0] - 1])
    half = HALF_SIDE * size[1]
    low = np.maximum(np.floor(keypoints * scale - half), 0)
    high = np.minimum(np.floor(keypoints * scale + half), last)
    seen = (keypoints > 1).all(1) & (low <= high).all(1)
    return np.where(seen[:, None], np.concatenate([low, high], axis=1), EMPTY).astype(np.int32)
