"""Axes of structure: what a network with fewer flow levels, shared encoders or separable blocks computes and saves."""

import pytest
import torch
import torch.nn.functional as F
from narrow import NARROW, inputs_of, net_of
from torch import nn

from vtryon.losses.distillation import DistillLoss
from vtryon.losses.perceptual import none
from vtryon.metrics.cost import cost
from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import load_net, save_net
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.layers.convolution import convolution, separated, with_separable
from vtryon.models.tryon import TryOnNet

AXES = {
    "flow_levels": ({"flow_levels": 4}, {}),
    "shared": ({"shared": True}, {}),
    "separable": ({"separable": True}, {"separable": True}),
    "all": ({"flow_levels": 3, "shared": True, "separable": True, "reduction": 2}, {"separable": True}),
}


def structured(axis: str) -> TryOnNet:
    torch.manual_seed(0)
    warp, generator = AXES[axis]
    return TryOnNet(AFWM(3, **NARROW, **warp), ResUnetGenerator(7, ngf=4, **generator)).eval()


@pytest.mark.parametrize("axis", AXES)
def test_the_file_of_a_network_rebuilds_its_structure(axis, tmp_path):
    net = structured(axis)
    save_net(net, tmp_path / "net.safetensors")
    loaded = load_net(tmp_path / "net.safetensors")
    with torch.no_grad():
        for one, other in zip(net(*inputs_of(net))[:6], loaded(*inputs_of(net))[:6], strict=True):
            assert torch.equal(one, other)


def test_the_released_structure_is_not_written_into_files():
    assert set(net_of().warp.architecture) == {"cond_channels", "channels", "fpn_channels", "flow_channels", "radius"}
    assert "separable" not in net_of().generator.architecture


@pytest.mark.parametrize("axis", AXES)
def test_flows_double_up_to_the_size_of_the_picture(axis):
    net = structured(axis)
    with torch.no_grad():
        out = net(*inputs_of(net))
    heights = [flow.shape[2] for flow in out.flows]
    assert heights == [64 // 2 ** (len(heights) - 1 - level) for level in range(len(heights))]
    assert torch.equal(out.flow, out.flows[-1])


def test_a_flow_without_its_finest_level_is_the_flow_of_the_level_before_doubled():
    """The weights of the released structure serve the other."""
    whole, coarse = net_of(), net_of(flow_levels=4)
    coarse.load_state_dict({key: whole.state_dict()[key] for key in coarse.state_dict()})
    with torch.no_grad():
        expected, out = whole(*inputs_of(whole)), coarse(*inputs_of(coarse))
    assert torch.allclose(out.flows[3], expected.flows[3], atol=1e-6)
    doubled = F.interpolate(expected.flows[3], scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(out.flow, doubled, atol=1e-6)


def test_a_shared_encoder_sees_a_picture_alike_in_both_roles():
    warp = net_of(shared=True).warp
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        together, (person, garment) = warp(picture, picture), (warp.look(picture), warp.look(picture))
        apart = warp.align(warp.look(picture), picture)
    assert all(torch.equal(one, other) for one, other in zip(person, garment, strict=True))
    assert torch.allclose(together.flow, apart.flow, atol=1e-5)


def test_a_shared_encoder_halves_the_encoders_and_leaves_the_work():
    own, shared = net_of(), net_of(shared=True)
    layers = [layer for layer in own.warp.pyramids()["garment"] for layer in layer.parameters()]
    saved = sum(layer.numel() for layer in layers)
    assert saved == sum(p.numel() for p in own.parameters()) - sum(p.numel() for p in shared.parameters())
    assert cost(own, (64, 64))["gmacs"] == pytest.approx(cost(shared, (64, 64))["gmacs"])


def test_norms_of_a_shared_encoder_know_the_statistics_of_both_pictures():
    warp = net_of(shared=True).warp.train()
    norm = warp.image_features.encoders[0][0].block[0]
    norm.momentum = 1.0
    warp(torch.full((2, 3, 64, 64), 1.0), torch.full((2, 3, 64, 64), -1.0))
    assert torch.allclose(norm.running_mean, torch.zeros(3), atol=1e-6)  # of one alone it would be 1 or -1
    assert torch.allclose(norm.running_var, torch.ones(3), atol=1e-3)


def test_a_kernel_that_is_separable_is_separated_without_loss():
    torch.manual_seed(0)
    mixing, kernels = torch.randn(5, 5, 1, 1), torch.randn(1, 5, 3, 3)
    depthwise, pointwise = separated(mixing * kernels)
    assert torch.allclose(pointwise * depthwise.transpose(0, 1), mixing * kernels, atol=1e-5)


def test_no_separable_kernel_is_nearer_than_the_separated_one():
    torch.manual_seed(0)
    weight = torch.randn(6, 6, 3, 3)
    depthwise, pointwise = (value.double().requires_grad_() for value in separated(weight))
    error = (pointwise * depthwise.transpose(0, 1) - weight.double()).square().sum()
    error.backward()
    assert depthwise.grad.abs().max() < 1e-4  # a stationary point,
    assert pointwise.grad.abs().max() < 1e-4
    strongest = sum(torch.linalg.matrix_norm(weight[:, i].reshape(6, 9), 2) ** 2 for i in range(6))
    assert float(error.detach()) == pytest.approx(float(weight.square().sum() - strongest), rel=1e-4)  # and the best


def test_a_block_of_separable_kernels_answers_as_before():
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    conv.weight.data = torch.randn(4, 4, 1, 1) * torch.randn(1, 4, 3, 3)
    block, x = nn.Sequential(nn.BatchNorm2d(4), conv).eval(), torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        assert torch.allclose(with_separable(block)(x), block(x), atol=1e-5)
    assert [type(layer) for layer in with_separable(block)] == [nn.BatchNorm2d, nn.Conv2d, nn.Conv2d]


def test_separable_convolutions_make_a_ninth_of_the_products_and_a_few_more():
    products = sum(layer.weight.numel() for layer in convolution(64, separable=True))
    assert products == 64 * 9 + 64 * 64


def test_a_student_of_fewer_levels_is_taught_on_those_it_has():
    teacher, student = net_of(), structured("flow_levels")
    loss = DistillLoss(none, perceptual_weight=0.0)
    loss.match(teacher.warp.pyramid_widths(), student.warp.pyramid_widths())
    assert len(loss.adapters) == 4
    with torch.no_grad():
        lesson = teacher(*inputs_of(teacher))
    loss(student(*inputs_of(student)), lesson)["total"].backward()
    assert student.warp.cond_FPN.smooth[-1].weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"flow_levels": 0}, r"flow_levels \(=0\) must be null, or one of 1 to 5"),
        ({"flow_levels": 6}, r"flow_levels \(=6\)"),
        ({"shared": True, "cond_channels": 45}, r"shared \(=True\).*cond_channels is 45; leave the tutor's apart"),
    ],
)
def test_a_structure_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        AFWM(**(NARROW | arguments))
