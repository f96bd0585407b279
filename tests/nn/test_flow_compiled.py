"""The compiled sampling says what torch says, wherever places lie, and leaves to torch what it is not made for."""

import pytest
import torch

from vtryon.nn.flow import sample
from vtryon.nn.flow_compiled import compiled_sample, takes


@pytest.mark.parametrize("padding", ["border", "zeros"])
@pytest.mark.parametrize(
    ("shape", "places"),
    [((1, 256, 16, 12), (16, 12)), ((2, 3, 9, 7), (5, 13)), ((3, 2, 1, 6), (4, 4)), ((1, 1, 1, 1), (2, 2))],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("threads", [1, 3])
def test_it_says_what_torch_says(padding, shape, places, layout, threads):
    draw = torch.Generator().manual_seed(0)
    image = torch.randn(shape, generator=draw).to(memory_format=layout)
    flow = torch.randn(len(image), 2, *places, generator=draw) * 2  # half of it outside
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = compiled_sample(image, flow, padding)
    finally:
        torch.set_num_threads(usual)
    assert torch.allclose(found, sample(image, flow, padding), atol=1e-5)
    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("padding", ["border", "zeros"])
def test_corners_and_far_places_are_exact(padding):
    image = torch.arange(1.0, 13).view(1, 1, 3, 4)
    flow = torch.tensor([[-1, -1], [1, 1], [1, -1], [1e9, -1e9], [-1e9, 0]]).T.view(1, 2, 1, 5)
    assert torch.equal(compiled_sample(image, flow, padding), sample(image, flow, padding))


def test_places_that_are_no_numbers_stay_inside_the_picture():
    flow = torch.full((1, 2, 2, 2), torch.nan)
    flow[0, 0, 0, 0] = torch.inf
    found = compiled_sample(torch.arange(1.0, 7).view(1, 1, 2, 3), flow)
    assert set(found.flatten().tolist()) <= set(range(1, 7))


def test_an_unknown_padding_is_named():
    with pytest.raises(ValueError, match="padding \\(='mirror'\\) must be 'border' or 'zeros'"):
        compiled_sample(torch.ones(1, 1, 2, 2), torch.zeros(1, 2, 2, 2), "mirror")


def test_other_types_and_gradients_are_torchs():
    image, flow = torch.ones(1, 1, 2, 2), torch.zeros(1, 2, 2, 2)
    assert takes(image, flow)
    assert not takes(image.double(), flow.double())
    assert not takes(image.bfloat16(), flow)
    assert not takes(image, flow.requires_grad_())
    with torch.no_grad():
        assert takes(image, flow)
