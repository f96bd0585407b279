"""A generator with a keep output mixes the photo into the rendered person, and its files say so."""

import pytest
import torch
from narrow import NARROW, inputs_of

from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import load_net, save_net
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import KEEP_BIAS, TryOnNet


def keeping_net() -> TryOnNet:
    torch.manual_seed(0)
    return TryOnNet(AFWM(3, **NARROW), ResUnetGenerator(7, ngf=4, keep=True)).eval()


def last_layer(net: TryOnNet) -> torch.Tensor:
    return net.generator.model.model[-1].weight.data


def test_the_released_architecture_has_no_keep_output():
    net = TryOnNet(AFWM(3, **NARROW), ResUnetGenerator(7, ngf=4)).eval()
    with torch.no_grad():
        assert net(*inputs_of(net)).keep == ()
    assert len(last_layer(net)) == 4


def test_a_silent_last_layer_keeps_the_share_of_its_bias_and_renders_grey():
    net = keeping_net()
    last_layer(net).zero_()
    person, cloth, edge = inputs_of(net)
    with torch.no_grad():
        answer = net(person, cloth, edge)
    share = 1 / (1 + torch.exp(torch.tensor(-KEEP_BIAS)))
    assert torch.allclose(answer.keep, share.expand_as(answer.keep))
    assert torch.allclose(answer.rendered, share * person, atol=1e-6)


def test_the_garment_is_composed_over_what_is_kept():
    net = keeping_net()
    with torch.no_grad():
        answer = net(*inputs_of(net))
    expected = answer.warped_cloth * answer.mask + answer.rendered * (1 - answer.mask)
    assert torch.allclose(answer.image, expected)


def test_a_file_remembers_the_keep_output(tmp_path):
    net = keeping_net()
    save_net(net, tmp_path / "net.safetensors")
    loaded = load_net(tmp_path / "net.safetensors")
    with torch.no_grad():
        assert torch.equal(loaded(*inputs_of(net)).image, net(*inputs_of(net)).image)


@pytest.mark.parametrize("keep", [False, True])
def test_the_rendered_person_is_differentiable_in_the_photo(keep):
    net = TryOnNet(AFWM(3, **NARROW), ResUnetGenerator(7, ngf=4, keep=keep)).eval()
    person, cloth, edge = inputs_of(net)
    net(person.requires_grad_(), cloth, edge).image.sum().backward()
    assert person.grad.abs().sum() > 0
