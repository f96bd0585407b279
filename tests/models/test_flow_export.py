"""Sampling by gathers says what torch's own sampling says."""

import pytest
import torch
import torch.nn.functional as F

from vtryon.models.flow_export import doubled, gather_sample


def torch_says(image, flow, padding):
    return F.grid_sample(image, flow.permute(0, 2, 3, 1), padding_mode=padding, align_corners=True)


@pytest.mark.parametrize("padding", ["border", "zeros"])
@pytest.mark.parametrize("reach", [0.9, 1.2, 30.0])
def test_gathers_sample_as_torch_does_inside_across_and_far_off_the_border(padding, reach):
    draw = torch.Generator().manual_seed(0)
    image = torch.randn(1, 5, 12, 9, generator=draw)
    flow = (torch.rand(1, 2, 20, 14, generator=draw) * 2 - 1) * reach
    assert torch.allclose(gather_sample(image, flow, padding), torch_says(image, flow, padding), atol=2e-6)


@pytest.mark.parametrize("padding", ["border", "zeros"])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 1)])
def test_a_side_of_one_pixel_is_sampled_too(size, padding):
    draw = torch.Generator().manual_seed(1)
    image, flow = torch.randn(1, 2, *size, generator=draw), torch.rand(1, 2, 5, 4, generator=draw) * 2.4 - 1.2
    assert torch.allclose(gather_sample(image, flow, padding), torch_says(image, flow, padding), atol=2e-6)


@pytest.mark.parametrize("padding", ["border", "zeros"])
def test_corners_of_the_picture_are_its_own_pixels(padding):
    image = torch.arange(6.0).view(1, 1, 2, 3)
    corners = torch.tensor([[[-1.0, 1.0, -1.0, 1.0]], [[-1.0, -1.0, 1.0, 1.0]]])[None]
    assert gather_sample(image, corners, padding).flatten().tolist() == [0.0, 2.0, 3.0, 5.0]


def test_what_lies_a_pixel_outside_is_the_border_or_nothing():
    image = torch.full((1, 1, 4, 5), 7.0)
    outside = torch.tensor([-1.5, 0.0]).view(1, 2, 1, 1)  # a pixel left of the picture
    assert gather_sample(image, outside, "border").item() == 7
    assert gather_sample(image, outside, "zeros").item() == 0


@pytest.mark.parametrize("size", [(1, 2), (5, 3), (16, 12)])
def test_doubling_is_torchs_interpolation_to_twice_the_sides(size):
    flow = torch.randn(2, 2, *size, generator=torch.Generator().manual_seed(3))
    wanted = torch.nn.functional.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(doubled(flow), wanted, atol=1e-6)
