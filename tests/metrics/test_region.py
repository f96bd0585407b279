"""Scores of regions against scikit-image's SSIM map and colour difference."""

import numpy as np
import pytest
import skimage.color
import skimage.data
import torch
from skimage.metrics import structural_similarity

from vtryon.metrics.region import colour_difference, garment_shown, preserved, region_mean, ssim_map

HALF = 5  # pixels of an 11x11 window beside its middle
NOWHERE = torch.zeros(1, 64, 96, dtype=torch.bool)


def pictures(strength: float = 20) -> tuple[torch.Tensor, torch.Tensor]:
    """Two photographs of 64x96, one half of it white as a shop's ground, and the same with noise."""
    photo = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1)[:, :64, :192]
    photos = torch.stack(photo.split(96, dim=2)).contiguous()
    photos[1, :, :, :48] = 255
    noise = torch.randn(photos.shape, generator=torch.Generator().manual_seed(0)) * strength
    return (photos + noise).round().clamp(0, 255).to(torch.uint8), photos


def skimage_map(image: torch.Tensor, truth: torch.Tensor) -> np.ndarray:
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    _, whole = structural_similarity(truth.numpy(), image.numpy(), channel_axis=0, full=True, **options)
    return whole.mean(0)


def block(rows: slice, columns: slice) -> torch.Tensor:
    region = torch.zeros(2, 64, 96, dtype=torch.bool)
    region[:, rows, columns] = True
    return region


def test_the_map_is_scikit_images_wherever_the_window_lies_inside_the_picture():
    image, photo = pictures()
    for values, x, y in zip(ssim_map(image, photo), image, photo, strict=True):
        inside = np.s_[HALF:-HALF, HALF:-HALF]
        np.testing.assert_allclose(values[inside], skimage_map(x, y)[inside], atol=1e-9)
        assert values.isnan().sum() == 64 * 96 - (64 - 2 * HALF) * (96 - 2 * HALF)


def test_a_picture_smaller_than_the_window_has_no_map():
    tiny = torch.zeros(1, 3, 10, 40, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"image has \(10, 40\) pixels; SSIM's window needs 11"):
        ssim_map(tiny, tiny)


def test_preserved_is_the_mean_of_scikit_images_map_over_the_pixels_of_the_region():
    image, photo = pictures()
    hair, legs = block(slice(0, 20), slice(30, 60)), block(slice(40, 64), slice(10, 70))
    scores = preserved(image, photo, hair, legs)
    for number in range(2):
        whole = skimage_map(image[number], photo[number])
        hair_values, leg_values = whole[HALF:20, 30:60], whole[40:-HALF, 10:70]
        both = np.concatenate([hair_values.ravel(), leg_values.ravel()])
        assert scores.hair_face[number].item() == pytest.approx(hair_values.mean(), abs=1e-9)
        assert scores.lower[number].item() == pytest.approx(leg_values.mean(), abs=1e-9)
        assert scores.ssim[number].item() == pytest.approx(both.mean(), abs=1e-9)


def test_a_person_without_the_region_has_no_score_of_it_and_keeps_the_others():
    image, photo = pictures()
    scores = preserved(image[:1], photo[:1], block(slice(0, 30), slice(0, 96))[:1], NOWHERE)
    assert scores.lower.isnan().all()
    assert scores.ssim.tolist() == scores.hair_face.tolist()


def test_a_region_kept_to_the_pixel_scores_1_only_away_from_what_changed():
    _, photo = pictures()
    image = photo.clone()
    image[:, :, 32:] = 255 - image[:, :, 32:]
    near, far = block(slice(10, 32), slice(0, 96)), block(slice(5, 32 - HALF), slice(0, 96))
    assert preserved(image, photo, far, block(slice(0, 0), slice(0, 0))).hair_face.tolist() == pytest.approx([1, 1])
    assert (preserved(image, photo, near, near).hair_face < 0.99).all()


def test_what_is_changed_outside_the_region_and_its_windows_costs_nothing():
    _, photo = pictures()
    image = photo.clone()
    image[:, :, :20] = 0
    region = block(slice(20 + HALF, 64), slice(0, 96))
    assert preserved(image, photo, region, region).ssim.tolist() == pytest.approx([1, 1])


def test_the_colour_difference_is_scikit_images_to_the_precision_of_opencvs_tables():
    image, photo = pictures()
    for values, x, y in zip(colour_difference(image, photo), image, photo, strict=True):
        exact = skimage.color.deltaE_cie76(*(skimage.color.rgb2lab(p.permute(1, 2, 0).numpy()) for p in (x, y)))
        assert np.abs(values.numpy() - exact).max() < 0.8
        assert values.mean().item() == pytest.approx(exact.mean(), abs=0.1)


def test_black_is_100_from_white_and_grey_is_as_far_from_itself_as_nothing():
    black = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    assert colour_difference(black, black + 255).mean().item() == pytest.approx(100, abs=1e-3)
    assert not colour_difference(black + 128, black + 128).any()


def test_a_garment_shown_whole_is_perfect_and_one_of_another_colour_or_blurred_is_not():
    _, laid = pictures()
    garment = block(slice(10, 50), slice(50, 90))
    whole = garment_shown(laid, laid, garment)
    assert (whole.de == 0).all()
    assert whole.ssim.tolist() == pytest.approx([1, 1])
    faded = garment_shown((laid // 2 + 64).to(torch.uint8), laid, garment)
    assert (faded.de > 5).all()
    blurred = torch.nn.functional.avg_pool2d(laid.float(), 5, stride=1, padding=2, count_include_pad=False)
    shown = garment_shown(blurred.round().to(torch.uint8), laid, garment)
    assert (shown.ssim < 0.95).all()
    assert (shown.de < faded.de).all()


def test_a_garment_that_is_warped_out_of_the_picture_has_no_score():
    image, photo = pictures()
    scores = garment_shown(image[:1], photo[:1], NOWHERE)
    assert scores.de.isnan().all()
    assert scores.ssim.isnan().all()


def test_a_mean_over_a_region_leaves_out_what_is_not_a_number():
    values = torch.tensor([[[2.0, torch.nan, 4.0, 100.0]]])
    assert region_mean(values, torch.tensor([[[True, True, True, False]]])).tolist() == [3]
