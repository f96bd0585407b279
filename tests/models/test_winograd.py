"""Winograd's form of a convolution says what the convolution says, whatever the picture's size and layout."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vtryon.models.layers import winograd
from vtryon.models.layers.winograd import Terms, Winograd, kernel_terms, with_winograd


def conv_of(channels: int, answers: int, bias: bool = True) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(channels, answers, 3, padding=1, bias=bias).requires_grad_(False)


@pytest.mark.parametrize(
    ("channels", "answers", "shape", "bias"),
    [
        (64, 32, (1, 32, 24), True),
        (49, 77, (3, 33, 21), True),  # neither tiles nor lanes fill up
        (64, 64, (2, 5, 50), False),
        (33, 64, (300, 1, 1), True),
    ],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("cached", [1 << 12, 1 << 19])  # a row of tiles at a time, or all
def test_it_says_what_the_convolution_says(channels, answers, shape, bias, layout, cached, monkeypatch):
    monkeypatch.setattr(winograd, "CACHED", cached)
    conv = conv_of(channels, answers, bias)
    b, h, w = shape
    x = torch.randn(b, channels, h, w).to(memory_format=layout)
    exact = F.conv2d(x.double(), conv.weight.double(), conv.bias.double() if bias else None, padding=1)
    assert (Winograd(conv, Terms())(x) - exact).abs().max() < 1e-4


def test_three_threads_say_what_one_says():
    layer, x = Winograd(conv_of(64, 64), Terms()), torch.randn(1, 64, 30, 22)
    usual, threads = layer(x), torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert torch.allclose(layer(x), usual, atol=1e-6)
    finally:
        torch.set_num_threads(threads)


def test_terms_of_a_kernel_are_the_values_of_its_polynomial():
    # a row of three as a polynomial, at the points 0, 1, -1, 2, -2 and infinity, in both directions
    kernel, points = torch.randn(3, 3, dtype=torch.float64), (0, 1, -1, 2, -2)
    values = torch.stack([torch.tensor([1, p, p**2], dtype=torch.float64) for p in points])
    values = torch.cat([values, torch.tensor([[0, 0, 1.0]])])
    scale = torch.tensor([1 / 4, -1 / 6, -1 / 6, 1 / 24, 1 / 24, 1])
    wanted = (values @ kernel @ values.T) * scale[:, None] * scale
    assert torch.allclose(kernel_terms(kernel[None, None]).view(6, 6), wanted.float(), atol=1e-6)


def test_wide_plain_convolutions_are_replaced_and_keep_their_weights_and_names():
    net = nn.Sequential(
        conv_of(64, 64),
        conv_of(32, 32),  # too narrow
        nn.Conv2d(64, 64, 1),
        nn.Conv2d(64, 64, 3, stride=2, padding=1),
        nn.Conv2d(64, 64, 3, padding=1, groups=2),
        nn.Conv2d(64, 64, 3, padding=2, dilation=2),
        nn.Conv2d(64, 64, 3, padding=1, padding_mode="reflect"),
    )
    before = net.state_dict()
    after = with_winograd(net)
    assert [type(layer) is Winograd for layer in after] == [True] + 6 * [False]
    assert {name: value.data_ptr() for name, value in after.state_dict().items()} == {
        name: value.data_ptr() for name, value in before.items()
    }


@pytest.mark.parametrize("x", [torch.randn(1, 64, 8, 6), torch.randn(1, 64, 24, 24, dtype=torch.float64)])
def test_what_terms_are_not_made_for_is_convolved_as_ever(x):
    conv = conv_of(64, 64).to(x.dtype)
    assert torch.equal(Winograd(conv, Terms())(x), conv(x))


def test_it_makes_a_quarter_of_the_products():
    conv, x = conv_of(64, 48), torch.randn(1, 64, 24, 32)
    (layer := Winograd(conv, Terms()))(x)  # turns the kernels, once and for all
    with FlopCounterMode(display=False) as plain:
        conv(x)
    with FlopCounterMode(display=False) as quick:
        layer(x)
    assert 4 * quick.get_total_flops() == plain.get_total_flops() == 2 * 9 * 64 * 48 * 24 * 32


@pytest.mark.parametrize("shape", [(1, 64, 24, 24), (2, 64, 33, 21)])
def test_gradients_pass_as_through_the_convolution(shape):
    conv, x = conv_of(64, 48), torch.randn(shape, requires_grad=True)
    (wanted,) = torch.autograd.grad(conv.double()(x.double()).square().sum(), x)
    (found,) = torch.autograd.grad(Winograd(conv.float(), Terms())(x).square().sum(), x)
    assert (found - wanted).abs().max() < 1e-4 * wanted.abs().max()


def test_its_answers_may_be_overwritten():
    conv, x = conv_of(64, 64), torch.randn(1, 64, 24, 24, requires_grad=True)
    (wanted,) = torch.autograd.grad(F.relu(conv(x)).sum(), x)
    (found,) = torch.autograd.grad(F.relu(Winograd(conv, Terms())(x), inplace=True).sum(), x)
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


def test_the_gradient_too_takes_a_quarter_of_the_products():
    layer, x = Winograd(conv_of(64, 48), Terms()), torch.randn(1, 64, 24, 32, requires_grad=True)
    torch.autograd.grad(layer(x).sum(), x)  # turns the kernels, once and for all
    answer = layer(x).sum()
    with FlopCounterMode(display=False) as backwards:
        torch.autograd.grad(answer, x)
    assert 4 * backwards.get_total_flops() == 2 * 9 * 64 * 48 * 24 * 32


def test_weights_that_learn_are_convolved_as_ever():
    conv, x = conv_of(64, 64).requires_grad_(True), torch.randn(1, 64, 24, 24)
    layer = Winograd(conv, Terms())
    assert torch.equal(layer(x), conv(x))
    (wanted,) = torch.autograd.grad(conv(x).square().sum(), conv.weight)
    (found,) = torch.autograd.grad(layer(x).square().sum(), conv.weight)
    assert torch.equal(found, wanted)


def test_under_autocast_it_computes_in_the_narrow_type():
    conv, x = conv_of(64, 64), torch.randn(1, 64, 24, 24)
    with torch.autocast("cpu", torch.bfloat16):
        assert Winograd(conv, Terms())(x).dtype == torch.bfloat16


def test_it_answers_in_and_out_of_inference_mode():
    layer, x = Winograd(conv_of(64, 64), Terms()), torch.randn(1, 64, 24, 24)
    with torch.inference_mode():
        inside = layer(x)
    assert torch.equal(layer(x), inside)
