"""Similarity of pictures to their truths, sample by sample: SSIM, PSNR and MSE on 8-bit pictures."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Real
from torch import Tensor

WINDOW = 11  # pixels, of Wang et al.'s Gaussian window
DEVIATION = 1.5  # pixels, of that window
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # Wang et al.'s constants


class ImageSimilarity(NamedTuple):
    ssim: Float[Tensor, " b"]  # 1 is identical; mean over channels and over windows that lie inside the picture
    psnr: Float[Tensor, " b"]  # dB, infinite for identical pictures
    mse: Float[Tensor, " b"]  # in squared steps of the 8-bit scale, 0..65025


def image_similarity(image: Real[Tensor, "b 3 h w"], truth: Real[Tensor, "b 3 h w"]) -> ImageSimilarity:
    """Compare pictures as a PNG stores them (`to_uint8`), or on that scale before it is rounded, 0..255.

    SSIM as Wang et al., IEEE TIP 2004, data range 255; computed in float64, as variances of bright pictures are small
    differences of large squares (in float32 SSIM of white pictures would be 3e-4 too low).

    Example:
        >>> import torch
        >>> black = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
        >>> image_similarity(black + 2, black).mse
        tensor([4.], dtype=torch.float64)
    """
    if min(image.shape[2:]) < WINDOW:
        raise ValueError(f"image has {tuple(image.shape[2:])} pixels; SSIM's window needs {WINDOW} on each axis")
    return SimilarityTo(truth.double())(image.double())


class SimilarityTo:
    """Compare pictures with one truth again and again; the truth's means and variances are computed once.

    The window is a product of two, so that means over windows are two multiplications by banded matrices. Pictures are
    on the 8-bit scale, rounded or not.
    One truth is compared with any number of pictures, several truths with as many pictures.
    """

    def __init__(self, truth: Float[Tensor, "n 3 h w"]):
        self.truth = truth
        self.down, self.across = (_windows(length, truth) for length in truth.shape[2:])
        self.mean = self._mean(truth)
        self.variance = self._mean(truth.square()) - self.mean.square()

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> ImageSimilarity:
        mse = (image - self.truth).double().square().mean((1, 2, 3))
        return ImageSimilarity(self.windows(image).double().mean((1, 2, 3)), 10 * (255**2 / mse).log10(), mse)

    def windows(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 i j"]:
        """SSIM of each window that lies inside the picture, by channel, in the type of the pictures."""
        mean = self._mean(image)
        variance = self._mean(image.square()) - mean.square()
        covariance = self._mean(image * self.truth) - mean * self.mean
        light = (2 * mean * self.mean + C1) / (mean.square() + self.mean.square() + C1)
        shape = (2 * covariance + C2) / (variance + self.variance + C2)
        return light * shape

    def _mean(self, x: Tensor) -> Tensor:
        """Mean over the windows that lie inside the picture."""
        return self.down @ x @ self.across.T


def _windows(length: int, like: Tensor) -> Float[Tensor, "n length"]:
    """A matrix with a line of weights for each position of the window along an axis of `length` pixels."""
    steps = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weights = torch.exp(-steps.square() / (2 * DEVIATION**2))
    lines = torch.zeros(length - WINDOW + 1, length, dtype=torch.float64)
    for position in range(len(lines)):
        lines[position, position : position + WINDOW] = weights / weights.sum()
    return lines.to(like)
