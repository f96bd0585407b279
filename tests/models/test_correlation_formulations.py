"""Every form of the cost volume says the same, and the fastest is taken where it can run."""

import pytest
import torch

from vtryon.models.correlation.cost_volume import FORMS, correlate, form

SHAPES = [(1, 4, 1, 1), (1, 8, 8, 6), (2, 5, 16, 12), (1, 16, 3, 5), (2, 7, 17, 23), (1, 4, 32, 24)]


def by_definition(first, second, radius):
    """Straight from the formula, in float64, place by place."""
    b, c, h, w = first.shape
    span = 2 * radius + 1
    out = torch.zeros(b, span * span, h, w, dtype=torch.float64)
    for k in range(span * span):
        dy, dx = k // span - radius, k % span - radius
        for y in range(max(0, -dy), min(h, h - dy)):
            for x in range(max(0, -dx), min(w, w - dx)):
                out[:, k, y, x] = (first[:, :, y, x].double() * second[:, :, y + dy, x + dx].double()).sum(1) / c
    return out


@pytest.mark.parametrize("name", sorted(FORMS))
@pytest.mark.parametrize("shape", SHAPES)
def test_each_form_follows_the_definition(name, shape):
    first, second = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    found = FORMS[name](first, second, 3)
    assert found.shape == (shape[0], 49, *shape[2:])
    assert (found - by_definition(first, second, 3)).abs().max() < 1e-6


@pytest.mark.parametrize("name", sorted(FORMS.keys() - {"compiled"}))
@pytest.mark.parametrize("radius", [1, 2, 5])
def test_each_form_reaches_as_far_as_it_is_told(name, radius):
    first, second = torch.randn(2, 1, 3, 10, 13, generator=torch.Generator().manual_seed(2))
    assert (FORMS[name](first, second, radius) - by_definition(first, second, radius)).abs().max() < 1e-6


@pytest.mark.parametrize("name", sorted(FORMS))
def test_no_form_minds_how_its_features_lie_in_memory(name):
    first, second = torch.randn(2, 2, 8, 16, 24, generator=torch.Generator().manual_seed(3))
    wanted, channels_last = FORMS[name](first, second, 3), {"memory_format": torch.channels_last}
    turned = FORMS[name](first.contiguous(**channels_last), second.mT.contiguous().mT, 3)
    last = FORMS[name](first.mT.contiguous().mT, second.contiguous(**channels_last), 3)
    assert (turned - wanted).abs().max() < 1e-6
    assert (last - wanted).abs().max() < 1e-6


def test_the_compiled_form_knows_one_radius_and_another_form_takes_the_others():
    first, second = torch.randn(2, 1, 4, 10, 13, generator=torch.Generator().manual_seed(7))
    with pytest.raises(ValueError, match=r"radius \(=2\) must be 3"):
        FORMS["compiled"](first, second, 2)
    assert form(first, 3) == "compiled"
    assert (correlate(first, second, 2) - by_definition(first, second, 2)).abs().max() < 1e-6


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_compiled_form_says_the_same_on_any_number_of_threads(threads, monkeypatch):
    first, second = torch.randn(2, 1, 96, 64, 128, generator=torch.Generator().manual_seed(8))
    wanted = correlate(first, second)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert torch.equal(correlate(first, second), wanted)


def test_double_precision_has_a_form_of_its_own_and_keeps_its_type():
    first, second = torch.randn(2, 1, 8, 32, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    assert form(first) == "tiled"
    assert correlate(first, second).dtype == torch.float64


def test_the_gradient_is_that_of_the_definition_whatever_form_went_forward():
    features = torch.randn(2, 1, 6, 18, 20, generator=torch.Generator().manual_seed(5))
    ours, plain = features.clone().requires_grad_(), features.clone().requires_grad_()
    weight = torch.randn(1, 49, 18, 20, generator=torch.Generator().manual_seed(6))
    (correlate(*ours) * weight).sum().backward()
    (FORMS["shifted"](*plain, 3) * weight).sum().backward()
    assert (ours.grad - plain.grad).abs().max() < 1e-5
