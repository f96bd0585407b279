"""Sampling grids: corner-aligned, x before y, and composed rather than added."""

import numpy as np
import pytest
import torch

from vtryon.models.flow import AFlowNet, identity_grid, sample, to_flow


def picture(h=6, w=5, channels=2):
    torch.manual_seed(0)
    return torch.rand(1, channels, h, w, dtype=torch.float64)


def constant_offset(h, w, dx, dy):
    return torch.tensor([dx, dy], dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, h, w)


def test_identity_runs_from_corner_to_corner_with_x_first():
    x, y = identity_grid(3, 5)[0]
    assert x.tolist() == [[-1, -0.5, 0, 0.5, 1]] * 3
    assert y.tolist() == [[value] * 5 for value in (-1, 0, 1)]
    like = torch.zeros(1, dtype=torch.float64)
    assert identity_grid(2, 2, like).dtype == torch.float64


@pytest.mark.parametrize("size", [(6, 5), (2, 3), (1, 4), (3, 1), (1, 1)])
def test_no_offset_is_the_identity_even_along_a_side_of_one_pixel(size):
    nothing = torch.zeros(1, 2, *size, dtype=torch.float64)
    torch.testing.assert_close(to_flow(nothing), identity_grid(*size, nothing))
    torch.testing.assert_close(sample(picture(*size), to_flow(nothing)), picture(*size))


@pytest.mark.parametrize("padding", ["border", "zeros"])
def test_an_offset_of_whole_pixels_fetches_that_neighbour(padding):
    image = picture()
    moved = sample(image, to_flow(constant_offset(6, 5, 2, -1)), padding)
    wanted = np.pad(
        image[0].numpy(),
        ((0, 0), (1, 0), (0, 2)),
        mode="edge" if padding == "border" else "constant",
    )
    torch.testing.assert_close(moved[0], torch.from_numpy(wanted[:, :6, 2:]))


def test_half_an_offset_is_the_mean_of_two():
    image = picture()
    moved = sample(image, to_flow(constant_offset(6, 5, 0.5, 0)))
    torch.testing.assert_close(moved[..., :-1], (image[..., :-1] + image[..., 1:]) / 2)


def test_a_flow_of_another_size_samples_at_that_size():
    assert sample(picture(6, 5), identity_grid(9, 4, picture())).shape == (1, 2, 9, 4)


def heads_that_say(*offsets: tuple[float, float]) -> AFlowNet:
    """A flow network that knows its answer: coarse 0, fine 0, coarse 1, ... in pixels (dx, dy)."""
    net = AFlowNet(channels=3, hidden=(2, 2, 2), levels=len(offsets) // 2).double()
    heads = [head for pair in zip(net.netMain, net.netRefine, strict=True) for head in pair]
    for head, offset in zip(heads, offsets, strict=True):
        torch.nn.init.zeros_(head[-1].weight)
        head[-1].bias.data = torch.tensor(offset, dtype=torch.float64)
    return net


def flows_of(net: AFlowNet) -> tuple:
    pyramid = tuple(torch.rand(1, 3, 4 << k, 3 << k, dtype=torch.float64) for k in range(len(net.netMain)))
    with torch.no_grad():
        return net(pyramid, pyramid)


def doubled(grid: np.ndarray) -> np.ndarray:
    """Twice the size by the half-pixel rule: a quarter of the way from one neighbour to the next."""
    for axis in (1, 2):
        ends = np.pad(grid, [(1, 1) if axis == i else (0, 0) for i in range(3)], mode="edge")
        before, here, after = (np.take(ends, range(i, i + grid.shape[axis]), axis) for i in range(3))
        both = np.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], axis + 1)
        grid = both.reshape([2 * n if axis == i else n for i, n in enumerate(grid.shape)])
    return grid


def fetched(grid: np.ndarray, dx: int, dy: int) -> np.ndarray:
    h, w = grid.shape[1:]
    y, x = np.clip(np.arange(h) + dy, 0, h - 1), np.clip(np.arange(w) + dx, 0, w - 1)
    return grid[:, y][:, :, x]


def test_levels_compose_by_looking_the_flow_up_and_never_by_adding():
    said = [(1, 0), (0, 1), (-2, 1), (1, 0)]
    flows, offsets = flows_of(heads_that_say(*said))
    x, y = np.meshgrid(np.linspace(-1, 1, 3), np.linspace(-1, 1, 4))
    grid = np.stack([x + 1 * 2 / (3 - 1), y])  # the coarsest coarse offset is absolute: it may point outside
    first = doubled(fetched(grid, 0, 1))
    second = doubled(fetched(fetched(first, -2, 1), 1, 0))
    np.testing.assert_allclose(flows[0][0], first, atol=1e-12)
    np.testing.assert_allclose(flows[1][0], second, atol=1e-12)
    assert [tuple(offset[0, :, 0, 0].tolist()) for offset in offsets] == said


def test_without_offsets_the_flow_is_off_by_what_upsampling_does_at_the_border_alone():
    """Grids are corner-aligned but upsampled by half pixels, as released, so nothing is not quite the identity."""
    flows, _ = flows_of(heads_that_say(*[(0, 0)] * 4))
    off = (flows[-1] - identity_grid(16, 12, flows[-1])).abs()
    assert 0.01 < off.max() < 1 / 3  # half a pixel of the coarsest level, 2 / (h - 1) wide
    assert flows[-1].abs().max() <= 1
