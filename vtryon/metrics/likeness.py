"""How like its truth a try-on is, sample by sample: SSIM, PSNR and MSE on 8-bit pictures."""

from typing import NamedTuple

from jaxtyping import Float, Real
from torch import Tensor
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

WINDOW = 11  # pixels: Wang et al.'s Gaussian of deviation 1.5


class Likeness(NamedTuple):
    ssim: Float[Tensor, " b"]  # 1 is identical; mean over channels and over windows that lie inside the picture
    psnr: Float[Tensor, " b"]  # dB, infinite for identical pictures
    mse: Float[Tensor, " b"]  # in squared steps of the 8-bit scale, 0..65025


def likeness(image: Real[Tensor, "b 3 h w"], truth: Real[Tensor, "b 3 h w"]) -> Likeness:
    """Compare pictures as a PNG stores them (`to_uint8`), or on that scale before it is rounded, 0..255.

    SSIM as Wang et al., IEEE TIP 2004, data range 255.

    Example:
        >>> import torch
        >>> black = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
        >>> likeness(black + 2, black).mse
        tensor([4.], dtype=torch.float64)
    """
    if min(image.shape[2:]) < WINDOW:
        raise ValueError(f"image has {tuple(image.shape[2:])} pixels; SSIM's window needs {WINDOW} on each axis")
    _, ssim = structural_similarity_index_measure(
        image.float(),  # within 2e-5 of double, and at 256x192 thirty times faster
        truth.float(),
        sigma=1.5,
        data_range=255.0,
        reduction="none",
        return_full_image=True,
    )
    image, truth = image.double(), truth.double()
    half = WINDOW // 2
    return Likeness(
        ssim=ssim[:, :, half:-half, half:-half]
        .double()
        .mean((1, 2, 3)),  # torchmetrics' own mean counts reflected borders
        psnr=peak_signal_noise_ratio(image, truth, data_range=255.0, dim=(1, 2, 3), reduction="none"),
        mse=(image - truth).square().mean((1, 2, 3)),
    )
