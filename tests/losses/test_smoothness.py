"""Smoothness terms against loops over pixels, and the figures one can work out by hand."""

import numpy as np
import pytest
import torch

from vtryon.losses.smoothness import second_order, total_variation
from vtryon.models.flow import identity_grid

FLOOR = 0.0039905  # 2 * (1e-6) ** 0.45: x and y of a flow that does not bend


def flow(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape)


def literal_second_order(f):
    b, _, h, w = f.shape
    total = 0.0
    for channel in (0, 1):
        terms = []
        for n in range(b):
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                for y in range(1, h - 1):
                    for x in range(1, w - 1):
                        line = f[n, channel]
                        bend = line[y - dy, x - dx] - 2 * line[y, x] + line[y + dy, x + dx]
                        terms.append((bend**2 + 0.001**2) ** 0.45)
        total += np.mean(terms)
    return total


def test_second_order_is_that_of_the_literal_loops():
    f = flow(2, 2, 5, 4)
    assert second_order(torch.from_numpy(f)).item() == pytest.approx(literal_second_order(f), rel=1e-12)


@pytest.mark.parametrize("size", [(4, 3), (16, 12), (64, 48)])
def test_a_linear_grid_costs_the_floor_and_no_less(size):
    identity = identity_grid(*size, torch.zeros(1, dtype=torch.float64))
    sheared = 0.3 * identity + 0.5 * identity.flip(1) - 0.2
    for f in (identity, sheared, torch.zeros(1, 2, *size)):
        assert second_order(f).item() == pytest.approx(FLOOR, abs=5e-8)
    assert second_order(sheared + 1e-3 * torch.rand(1, 2, *size)) > FLOOR


def test_total_variation_is_that_of_the_literal_loops():
    f = flow(2, 2, 5, 4)
    down = [
        abs(f[n, c, y + 1, x] - f[n, c, y, x]) for n in range(2) for c in (0, 1) for y in range(4) for x in range(4)
    ]
    across = [
        abs(f[n, c, y, x + 1] - f[n, c, y, x]) for n in range(2) for c in (0, 1) for y in range(5) for x in range(3)
    ]
    found = total_variation(torch.from_numpy(f)).item()
    assert found == pytest.approx(np.mean(down) + np.mean(across), rel=1e-12)


def test_total_variation_forgives_a_constant_offset_and_counts_a_slope_in_pixels():
    slope = torch.arange(6.0).view(1, 1, 1, 6).expand(1, 2, 4, 6)
    assert total_variation(torch.full((1, 2, 4, 6), 3.0)) == 0
    assert total_variation(0.5 * slope + 7) == 0.5


@pytest.mark.parametrize("term", [second_order, total_variation])
def test_a_batch_costs_the_mean_of_its_samples(term):
    batch = torch.from_numpy(flow(3, 2, 6, 5))
    alone = torch.stack([term(sample[None]) for sample in batch])
    torch.testing.assert_close(term(batch), alone.mean())


@pytest.mark.parametrize("term", [second_order, total_variation])
def test_gradient_is_the_slope(term):
    f = torch.from_numpy(flow(1, 2, 4, 3)).requires_grad_()
    assert torch.autograd.gradcheck(term, (f,))


def test_a_flow_that_does_not_bend_has_a_finite_gradient():
    f = identity_grid(5, 4).clone().requires_grad_()
    second_order(f).backward()
    assert f.grad.isfinite().all()


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 2), (4, 2)])
def test_a_map_too_small_to_bend_or_vary_costs_a_finite_nothing(size):
    f = torch.rand(1, 2, *size, requires_grad=True)
    (second_order(f) + total_variation(f)).backward()
    assert second_order(f) == 0
    assert total_variation(f).isfinite()
    assert f.grad.isfinite().all()
