"""A flow estimated from halved pictures: what the network of half the size says, for a garment of the whole size."""

import pytest
import torch
import torch.nn.functional as F

from vtryon.losses.perceptual import none
from vtryon.losses.tryon import StudentLoss
from vtryon.losses.warping import Target
from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import load_net, save_net
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet

NARROW = {"channels": (4,) * 5, "fpn_channels": 4, "flow_channels": (4, 4, 4)}


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    reduced = AFWM(3, **NARROW, reduction=2).eval()
    for layer in reduced.aflow_net.offset_layers():
        torch.nn.init.normal_(layer.bias, std=0.5)
    whole = AFWM(3, **NARROW).eval()
    whole.load_state_dict(reduced.state_dict())  # the weights of one serve the other
    return reduced, whole


def test_the_flow_is_that_of_the_halved_pictures_for_twice_the_size(pair):
    reduced, whole = pair
    person, cloth = torch.rand(2, 2, 3, 128, 64) * 2 - 1
    with torch.no_grad():
        warp = reduced(person, cloth)
        halved = whole(F.avg_pool2d(person, 2), F.avg_pool2d(cloth, 2))
    assert warp.flow.shape == (2, 2, 128, 64)
    assert torch.equal(warp.flows[-2], halved.flow)
    assert torch.allclose(F.avg_pool2d(warp.flow, 2), halved.flow, atol=0.05)
    assert len(warp.flows) == len(halved.flows) + 1


def test_the_garment_is_moved_at_its_own_size():
    stripes = (torch.arange(64) % 2 * 2.0 - 1).expand(1, 3, 128, 64)  # of one pixel: grey once halved
    quiet = AFWM(3, **NARROW, reduction=2).eval()
    for layer in quiet.aflow_net.offset_layers():
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    with torch.no_grad():
        moved = quiet(torch.zeros(1, 3, 128, 64), stripes).cloth
    assert moved[..., 8:-8].abs().mean() > 0.4


def test_sides_must_be_divisible_by_twice_as_much(pair):
    reduced, whole = pair
    odd = torch.zeros(1, 3, 96, 64)
    whole(odd, odd)
    with pytest.raises(ValueError, match="must be divisible by 64"):
        reduced(odd, odd)


def test_another_reduction_is_refused():
    with pytest.raises(ValueError, match=r"reduction \(=3\) must be 1 or 2"):
        AFWM(3, **NARROW, reduction=3)


def test_the_reduction_is_in_the_file_and_a_loss_takes_every_level(tmp_path):
    torch.manual_seed(0)
    net = TryOnNet(AFWM(3, **NARROW, reduction=2), ResUnetGenerator(7, ngf=2)).eval()
    save_net(net, tmp_path / "net.safetensors")
    loaded = load_net(tmp_path / "net.safetensors")
    assert loaded.warp.reduction == 2
    person, cloth = torch.rand(2, 2, 3, 64, 64) * 2 - 1
    edge = torch.ones(2, 1, 64, 64)
    answer, same = net(person, cloth, edge), loaded(person, cloth, edge)
    assert torch.equal(answer.image, same.image)
    terms = StudentLoss(none()).of_warp(
        net.warp(person, cloth), net.warp(person, cloth), cloth, edge, Target(person, cloth, edge)
    )
    terms["total"].backward()
    assert net.warp.image_features.encoders[0][0].block[2].weight.grad.abs().sum() > 0
