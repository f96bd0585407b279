"""Baselines that learn nothing: the photo, the garment pasted, the garment warped and pasted."""

import pytest
import torch
from tiny_run import SIZE, batch, tiny_net
from torch import nn

from vtryon.models.afwm import AFWM
from vtryon.models.flow import identity_grid
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.paste import Paste, Photo, WarpPaste, lay_over
from vtryon.models.tryon import TutorNet


def given():
    """Two persons, and garments on the left half of their pictures."""
    samples = batch(range(2))
    samples.cloth_edge[..., SIZE[1] // 2 :] = 0
    return samples.person, samples.cloth, samples.cloth_edge


class Shift(nn.Module):
    """A network that moves each garment right by so many pixels, and paints black."""

    def __init__(self, pixels: int):
        super().__init__()
        self.pixels = pixels

    def forward(self, person, cloth, cloth_edge):
        flow = identity_grid(*SIZE).repeat(len(person), 1, 1, 1).clone()
        flow[:, 0] -= 2 * self.pixels / (SIZE[1] - 1)
        return Photo()(person, cloth, cloth_edge)._replace(image=person * 0 - 1, flow=flow)


def test_the_photo_is_left_as_it_is_and_its_mask_takes_nothing_of_the_garment():
    person, cloth, edge = given()
    answer = Photo()(person, cloth, edge)
    assert torch.equal(answer.image, person)
    assert not answer.mask.any()
    assert torch.equal(answer.warped_edge, edge)


def test_a_pasted_garment_hides_the_photo_where_its_mask_is():
    person, cloth, edge = given()
    image = Paste()(person, cloth, edge).image
    assert torch.equal(image, torch.where(edge.bool(), cloth, person))


def test_a_warped_garment_lies_where_the_network_moves_it_and_the_rest_is_the_photo():
    person, cloth, edge = given()
    answer = WarpPaste(Shift(8))(person, cloth, edge)
    torch.testing.assert_close(answer.image[..., 8:40], cloth[..., :32], atol=1e-4, rtol=0)
    torch.testing.assert_close(answer.image[..., :7], person[..., :7], atol=1e-4, rtol=0)
    torch.testing.assert_close(answer.image[..., 41:], person[..., 41:], atol=1e-4, rtol=0)
    assert torch.equal(answer.rendered, person)
    assert torch.equal(answer.mask, answer.warped_edge)


def test_a_trained_network_lends_its_warp_but_nothing_that_it_paints():
    person, cloth, edge = given()
    net = tiny_net().eval()
    answer, own = WarpPaste(net)(person, cloth, edge), net(person, cloth, edge)
    assert torch.equal(answer.flow, own.flow)
    assert torch.equal(answer.warped_edge, own.warped_edge)
    assert torch.equal(answer.image, lay_over(person, cloth, edge, own.flow)[0])


def test_the_border_of_a_warped_garment_has_no_grey_seam():
    person, cloth, edge = torch.ones(1, 3, *SIZE), torch.ones(1, 3, *SIZE), given()[2][:1]
    flow = identity_grid(*SIZE) + 0.5 * 2 / (SIZE[1] - 1)  # half a pixel, so that the border is half garment
    image, warped_edge = lay_over(person, cloth, edge, flow)
    assert ((warped_edge > 0.1) & (warped_edge < 0.9)).any()
    torch.testing.assert_close(image, person)


def test_a_network_that_needs_the_parsers_maps_is_refused_with_the_remedy():
    tutor = TutorNet(AFWM(45, (4,) * 5, 4, (4, 4, 4)), ResUnetGenerator(8, 4, 5, 2))
    with pytest.raises(ValueError, match=r"net is a TutorNet, .* give a parser-free network, such as parents\.net="):
        WarpPaste(tutor)
