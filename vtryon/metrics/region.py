"""Scores of regions of an unpaired try-on, which has no truth: is the photo preserved, is the garment shown?"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float64, Real, UInt8
from torch import Tensor

from vtryon.metrics.image_similarity import WINDOW, SimilarityTo


class Preserved(NamedTuple):
    """SSIM to the photo where another upper garment should change nothing; NaN where the photo shows no such region."""

    ssim: Float64[Tensor, " b"]  # hair, face, lower clothes and legs together
    hair_face: Float64[Tensor, " b"]
    lower: Float64[Tensor, " b"]  # lower clothes, legs and shoes


class GarmentShown(NamedTuple):
    """The try-on against its own warped garment; NaN where the garment is warped out of the picture."""

    de: Float64[Tensor, " b"]  # mean CIE 1976 colour difference: 0 is equal, 2.3 just noticeable, black to white 100
    ssim: Float64[Tensor, " b"]


def preserved(
    image: UInt8[Tensor, "b 3 h w"],
    photo: UInt8[Tensor, "b 3 h w"],
    hair_face: Bool[Tensor, "b h w"],
    lower: Bool[Tensor, "b h w"],
) -> Preserved:
    """Mean of the SSIM map between try-on and photo over the region's pixels.

    Protocol: the regions are the parse map's, not eroded, and only windows that lie inside the picture count. Windows
    near the region's border see the garment as well, so that the score errs low: a try-on that keeps every pixel of the
    region stays below 1. On every fourth of VITON's 416 clean test persons (256x192), with the worn garment's pixels
    replaced by another photo's, such a perfect try-on has 0.969 in all, 0.984 in hair and face and 0.953 in lower; the
    photo halved and enlarged again has 0.925, 0.922 and 0.928. A garment that is rightly longer than the old one costs
    as much as one that is wrongly so.
    """
    similarity = ssim_map(image, photo)
    return Preserved(*(region_mean(similarity, region) for region in (hair_face | lower, hair_face, lower)))


def garment_shown(
    image: UInt8[Tensor, "b 3 h w"], laid: UInt8[Tensor, "b 3 h w"], garment: Bool[Tensor, "b h w"]
) -> GarmentShown:
    """Colour and texture of the garment's region against the garment itself, as the try-on's own flow warps it.

    It sees a garment that is faded, recoloured, blurred or painted over. It cannot see where the garment lies: one that
    is badly warped but copied whole scores as well as a perfect one, and arms and hair that rightly cover it cost.

    Args:
        laid: the try-on with the warped garment laid over it, so that windows across the garment's border see the same
            surroundings twice.
        garment: where the warped garment lies.
    """
    return GarmentShown(
        region_mean(colour_difference(image, laid), garment), region_mean(ssim_map(image, laid), garment)
    )


def ssim_map(image: Real[Tensor, "b 3 h w"], truth: Real[Tensor, "b 3 h w"]) -> Float64[Tensor, "b h w"]:
    """SSIM of the window around each pixel, mean over channels; NaN where the window would leave the picture.

    Windows and constants are those of `image_similarity`. It computes in float64: in float32 the white grounds of shop
    photos cost up to 2e-3 in a pixel.
    """
    if min(image.shape[2:]) < WINDOW:
        raise ValueError(f"image has {tuple(image.shape[2:])} pixels; SSIM's window needs {WINDOW} on each axis")
    half = WINDOW // 2
    similarity = SimilarityTo(truth.double()).windows(image.double()).mean(1)
    return F.pad(similarity, (half, half, half, half), value=float("nan"))


def region_mean(values: Real[Tensor, "b h w"], region: Bool[Tensor, "b h w"]) -> Float64[Tensor, " b"]:
    """Mean over the pixels of each sample's region; values that are NaN do not count, and NaN is left of none at all.

    Example:
        >>> values = torch.tensor([[[1.0, 3.0, torch.nan]]])
        >>> region_mean(values, torch.tensor([[[False, True, True]]]))
        tensor([3.], dtype=torch.float64)
    """
    counted = region & ~values.isnan()
    return values.double().where(counted, 0).sum((1, 2)) / counted.sum((1, 2))


def colour_difference(image: UInt8[Tensor, "b 3 h w"], truth: UInt8[Tensor, "b 3 h w"]) -> Float64[Tensor, "b h w"]:
    """CIE 1976 difference of each pixel: Euclidean distance in CIE Lab (sRGB, D65).

    OpenCV converts by tables: a pixel is within 0.8 of the formula, the mean of a photo within 0.1.
    """
    difference = _lab(image) - _lab(truth)
    return torch.from_numpy(np.linalg.norm(difference, axis=3)).to(image.device)


def _lab(pictures: UInt8[Tensor, "b 3 h w"]) -> np.ndarray:
    """(b, h, w, 3): lightness 0..100, then green to red and blue to yellow, each about -128..127."""
    planes = pictures.permute(0, 2, 3, 1).cpu().numpy().astype(np.float32) / 255
    return np.stack([cv2.cvtColor(picture, cv2.COLOR_RGB2Lab) for picture in planes]).astype(np.float64)
