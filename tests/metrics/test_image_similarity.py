"""SSIM, PSNR and MSE against scikit-image."""

import pytest
import skimage.data
import torch
from skimage.metrics import (
    mean_squared_error,
    peak_signal_noise_ratio,
    structural_similarity,
)

from vtryon.metrics.image_similarity import image_similarity


@pytest.mark.parametrize("size", [(64, 96), (256, 192)])
@pytest.mark.parametrize("strength", [3, 60])
def test_the_similarity_of_each_sample_is_scikit_images(size, strength):
    height, width = size
    photos = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1)[None, :, :, : 2 * width]
    truth = torch.cat(photos[:, :, :height].split(width, dim=3))
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0)) * strength
    image = (truth + noise).round().clamp(0, 255).to(torch.uint8)
    found = image_similarity(image, truth)
    for index, (x, y) in enumerate(zip(image.numpy(), truth.numpy(), strict=True)):
        ssim = structural_similarity(
            y,
            x,
            channel_axis=0,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert float(found.ssim[index]) == pytest.approx(ssim, abs=1e-9)
        assert float(found.psnr[index]) == pytest.approx(peak_signal_noise_ratio(y, x, data_range=255), abs=1e-4)
        assert float(found.mse[index]) == pytest.approx(mean_squared_error(y, x), rel=1e-9)


def test_white_pictures_lose_no_digits():
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    truth, image = ((252 + scale * noise).round().clamp(0, 255).to(torch.uint8) for scale in (1.0, 1.5))
    options = {"channel_axis": 0, "data_range": 255, "gaussian_weights": True, "sigma": 1.5}
    expected = structural_similarity(truth[0].numpy(), image[0].numpy(), use_sample_covariance=False, **options)
    assert float(image_similarity(image, truth).ssim) == pytest.approx(expected, abs=1e-9)


def test_identical_pictures_are_perfectly_alike():
    image = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8)
    found = image_similarity(image, image)
    assert found.ssim.tolist() == pytest.approx([1, 1])
    assert found.psnr.tolist() == [float("inf")] * 2
    assert found.mse.tolist() == [0, 0]


def test_pictures_smaller_than_the_window_are_refused():
    tiny = torch.zeros(1, 3, 10, 40, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"image has \(10, 40\) pixels; SSIM's window needs 11"):
        image_similarity(tiny, tiny)
