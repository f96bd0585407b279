"""OpenPose's 18 keypoints as the maps that the tutor sees: -1, and +1 in a square around the keypoint."""

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor

HALF_SIDE = 5 / 192  # of a square, in picture widths: 5 pixels at 256x192
EMPTY = (0, 0, -1, -1)


def pose_maps(boxes: Int32[Tensor, "b k 4"], size: tuple[int, int]) -> Float[Tensor, "b k h w"]:
    """Fill the boxes of `boxes(...)` in maps of `size` (h, w): all boxes of the batch by one scatter, on any device."""
    offsets = torch.arange(int(2 * HALF_SIDE * size[1]) + 2, dtype=torch.int32, device=boxes.device)
    x0, y0, x1, y1 = boxes.flatten(0, 1).unbind(1)  # (b k)
    x = torch.minimum(x0[:, None] + offsets, x1[:, None]).clamp(min=0)
    y = torch.minimum(y0[:, None] + offsets, y1[:, None]).clamp(min=0)
    # (b k, offsets, offsets); beyond its end a box repeats its last pixels
    pixels = y[:, :, None] * size[1] + x[:, None]
    # an empty box leaves pixel 0 as it is
    values = torch.where(x1 < x0, -1.0, 1.0)[:, None].expand(-1, len(offsets) ** 2)
    maps = torch.full((len(x0), size[0] * size[1]), -1.0, device=boxes.device)
    return maps.scatter_(1, pixels.flatten(1).long(), values).view(*boxes.shape[:2], *size)


def boxes(
    keypoints: Float[np.ndarray, "k 2"], size: tuple[int, int], source: tuple[int, int]
) -> Int32[np.ndarray, "k 4"]:
    """The pixels x0, y0, x1, y1 (inclusive) that PF-AFN's PIL rectangle x ± 5, y ± 5 covers.

    `keypoints` (x, y) are pixels of a photo of `source` (h, w), in float64, which decides the odd pixel; maps have
    `size` (h, w). A keypoint with x <= 1 or y <= 1 is OpenPose's "not found" and gets an empty box.
    """
    scale = np.array([size[1] / source[1], size[0] / source[0]])
    last = np.array([size[1] - 1, size[0] - 1])
    half = HALF_SIDE * size[1]
    low = np.maximum(np.floor(keypoints * scale - half), 0)
    high = np.minimum(np.floor(keypoints * scale + half), last)
    has_box = (keypoints > 1).all(1) & (low <= high).all(1)
    return np.where(has_box[:, None], np.concatenate([low, high], axis=1), EMPTY).astype(np.int32)
