"""Similarity to one truth equals the similarity of any two pictures."""

import torch

from vtryon.metrics.image_similarity import SimilarityTo, image_similarity


def test_similarity_to_one_truth_is_that_of_two_pictures():
    draw = torch.Generator().manual_seed(0)
    truth = torch.rand(1, 3, 40, 27, generator=draw) * 255
    images = (
        truth + torch.randn(5, 3, 40, 27, generator=draw) * torch.tensor([0, 0.5, 5, 50, 200]).view(5, 1, 1, 1)
    ).clamp(0, 255)
    quick, plain = SimilarityTo(truth)(images), image_similarity(images, truth.expand(5, -1, -1, -1))
    torch.testing.assert_close(quick.ssim, plain.ssim, atol=2e-5, rtol=0)
    torch.testing.assert_close(quick.mse, plain.mse, atol=1e-4, rtol=1e-6)
    torch.testing.assert_close(quick.psnr[1:], plain.psnr[1:], atol=1e-4, rtol=1e-6)


def test_a_picture_is_wholly_like_itself():
    truth = torch.rand(1, 3, 32, 32) * 255
    same = SimilarityTo(truth)(truth)
    assert float(same.mse) == 0
    assert abs(float(same.ssim) - 1) < 1e-6
