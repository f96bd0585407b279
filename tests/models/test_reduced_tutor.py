"""A tutor that works on halved pictures teaches a student of whole ones what it knows itself."""

import pytest
import torch
import torch.nn.functional as F
from tiny_nets import student_net, training_batch, tutor_net

from vtryon.data.parse import agnostic
from vtryon.models.checkpoint import save_net
from vtryon.models.flow import sample
from vtryon.models.reduced_tutor import ReducedTutor, load_tutor


@pytest.fixture(scope="module")
def taught():
    torch.manual_seed(0)
    tutor, small = tutor_net().eval(), training_batch(2)
    garments = (small.cloth, small.cloth_edge, small.other_cloth, small.other_edge)
    known = agnostic(small)
    with torch.no_grad():
        own = tutor.teach(known, *garments)
        doubled = type(known)(*map(enlarged, known))
        reduced = ReducedTutor(tutor).teach(doubled, *map(enlarged, garments))
    return own, reduced, garments


def enlarged(picture: torch.Tensor) -> torch.Tensor:
    return F.interpolate(picture, scale_factor=2, mode="nearest")


def test_the_warp_is_the_tutor_s_own_with_one_flow_more(taught):
    (_, own), (_, reduced), garments = taught
    for before, after in zip(own.flows, reduced.flows[:-1], strict=True):
        assert torch.equal(before, after)
    assert reduced.flow.shape[2:] == (2 * own.flow.shape[2], 2 * own.flow.shape[3])
    cloth, edge, *_ = map(enlarged, garments)
    assert torch.equal(reduced.cloth, sample(cloth * edge, reduced.flow))


def test_the_fake_is_composed_at_the_whole_size_and_alike_at_half(taught):
    (own, _), (reduced, _), _ = taught
    composed = reduced.warped_cloth * reduced.mask + reduced.rendered * (1 - reduced.mask)
    assert torch.allclose(reduced.image, composed, atol=1e-6)
    assert torch.allclose(F.avg_pool2d(reduced.rendered, 2).mean(), own.rendered.mean(), atol=1e-3)
    assert reduced.rendered.min() >= own.rendered.min()  # enlarged, and nothing new
    assert reduced.rendered.max() <= own.rendered.max()


def test_a_file_gives_the_tutor_as_it_is_or_reduced_and_no_student(tmp_path):
    save_net(tutor_net(), tmp_path / "tutor.safetensors")
    save_net(student_net(), tmp_path / "student.safetensors")
    assert not isinstance(load_tutor(tmp_path / "tutor.safetensors"), ReducedTutor)
    assert isinstance(load_tutor(tmp_path / "tutor.safetensors", 2), ReducedTutor)
    with pytest.raises(ValueError, match=r"holds a TryOnNet, which is no tutor; give"):
        load_tutor(tmp_path / "student.safetensors")
    with pytest.raises(ValueError, match=r"reduction \(=4\) of the tutor's pictures must be 1 or 2"):
        load_tutor(tmp_path / "tutor.safetensors", 4)
