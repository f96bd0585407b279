"""Free widths and the contract of the networks; their numbers are in test_parity.py."""

import pytest
import torch

import vtryon.models.flow
from vtryon.models.afwm import AFWM
from vtryon.models.flow import AFlowNet, sample
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import Agnostic, TryOn, TryOnNet, TutorNet

ODD = [  # widths that divide nothing
    {
        "channels": (5, 9, 7, 13, 11),
        "fpn_channels": 6,
        "flow_channels": (7, 5, 3),
        "radius": 1,
        "ngf": 3,
    },
    {
        "channels": (8, 6, 4, 2, 1),
        "fpn_channels": 3,
        "flow_channels": (3, 5, 7),
        "radius": 2,
        "ngf": 1,
    },
    {
        "channels": (4, 4, 4, 4, 4),
        "fpn_channels": 17,
        "flow_channels": (2, 2, 2),
        "radius": 3,
        "ngf": 5,
    },
]


def narrow(role: str = "student", ngf: int = 3, **widths) -> TryOnNet:
    torch.manual_seed(0)
    widths = ODD[0] | widths
    widths.pop("ngf")
    if role == "student":
        return TryOnNet(AFWM(3, **widths), ResUnetGenerator(7, ngf=ngf)).eval()
    return TutorNet(AFWM(45, **widths), ResUnetGenerator(8, ngf=ngf)).eval()


def given(role: str = "student", size: tuple[int, int] = (64, 32), batch: int = 2) -> tuple:
    torch.manual_seed(1)
    picture = 2 * torch.rand(4, batch, 3, *size) - 1
    edge = torch.zeros(batch, 1, *size)
    edge[..., 9:-9, 5:-5] = 1
    if role == "student":
        return picture[0], picture[1], edge
    cond, arms = (
        2 * torch.rand(batch, 45, *size) - 1,
        (torch.rand(batch, 1, *size) > 0.5).float(),
    )
    return Agnostic(cond, picture[2], arms), picture[1], edge


def equal(one, other) -> bool:
    return all(torch.equal(*pair) for pair in zip(flat(one), flat(other), strict=True))


def flat(values) -> list[torch.Tensor]:
    return [values] if isinstance(values, torch.Tensor) else [leaf for value in values for leaf in flat(value)]


@pytest.mark.parametrize("size", [(64, 96), (128, 96)])
@pytest.mark.parametrize("widths", ODD)
@pytest.mark.parametrize("role", ["student", "tutor"])
def test_every_width_is_free_and_every_size_divisible_by_32_works(role, widths, size):
    with torch.no_grad():
        answer = narrow(role, **widths)(*given(role, size))
    assert answer.image.shape == (2, 3, *size)
    assert answer.image.isfinite().all()


@pytest.mark.parametrize("num_downs", [2, 3, 6])
def test_generator_is_as_deep_as_asked(num_downs):
    with torch.no_grad():
        painted = ResUnetGenerator(5, 2, num_downs, ngf=2).eval()(torch.rand(1, 5, 64, 64))
    assert painted.shape == (1, 2, 64, 64)


@pytest.mark.parametrize("role", ["student", "tutor"])
def test_answer_has_the_promised_shapes_and_ranges_in_training_and_evaluation_alike(
    role,
):
    h, w = 64, 32
    for net in (narrow(role).train(), narrow(role).eval()):
        answer = net(*given(role, (h, w)))
        assert isinstance(answer, TryOn)
        sizes = [(h >> k, w >> k) for k in (5, 4, 3, 2, 1, 0)]  # 2x1 ... 64x32
        assert [tuple(flow.shape) for flow in answer.flows] == [(2, 2, *size) for size in sizes[1:]]
        assert [tuple(offset.shape) for offset in answer.offsets] == [(2, 2, *s) for s in sizes[:-1] for _ in range(2)]
        assert [tuple(f.shape) for f in answer.person_features] == [(2, 6, *size) for size in sizes[:-1]]
        assert answer.flow is answer.flows[-1]
        assert answer.mask.min() >= 0
        assert (answer.mask <= answer.warped_edge).all()
        assert answer.warped_edge.max() <= 1
        assert answer.rendered.abs().max() <= 1
        assert answer.image.abs().max() <= 1


@pytest.mark.parametrize("role", ["student", "tutor"])
def test_answer_is_the_garment_moved_by_the_flow_and_composed_by_the_mask(role):
    person, cloth, edge = given(role)
    with torch.no_grad():
        answer = narrow(role)(person, cloth, edge)
    torch.testing.assert_close(answer.warped_cloth, sample(cloth * edge, answer.flow))
    torch.testing.assert_close(answer.warped_edge, sample(edge, answer.flow, padding="zeros"))
    composed = answer.warped_cloth * answer.mask + answer.rendered * (1 - answer.mask)
    torch.testing.assert_close(answer.image, composed)


@pytest.mark.parametrize("role", ["student", "tutor"])
def test_background_of_the_garment_photo_is_not_seen(role):
    person, cloth, edge = given(role)
    net = narrow(role)
    with torch.no_grad():
        one, two = (
            net(person, cloth, edge),
            net(person, torch.where(edge > 0, cloth, 0.7), edge),
        )
    assert torch.equal(one.image, two.image)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("role", ["student", "tutor"])
def test_inputs_are_left_as_they_were(role, mode):
    inputs = given(role)
    before = [leaf.clone() for leaf in flat(inputs)]
    with torch.no_grad():  # in-place activations would get through unnoticed
        narrow(role).train(mode == "train")(*inputs)
    assert equal(inputs, before)


def test_one_look_at_a_person_serves_many_garments():
    warp = narrow().warp
    person, cloth, edge = given()
    with torch.no_grad():
        seen = warp.look(person)
        for garment in (cloth * edge, -cloth * edge):
            assert equal(warp.align(seen, garment), warp(person, garment))


def test_what_the_tutor_teaches_is_what_it_says_of_each_garment_by_itself():
    net, (agnostic, cloth, edge) = narrow("tutor"), given("tutor")
    other, other_edge = -cloth.flip(-1), torch.ones_like(edge)
    with torch.no_grad():
        fake, lesson = net.teach(agnostic, cloth, edge, other, other_edge)
        wanted = net(agnostic, other, other_edge), net.warp(agnostic.cond, cloth * edge)
    for ours, theirs in zip(flat([fake, lesson]), flat(wanted), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("known", [False, True])
def test_tutor_paints_from_kept_parts_warped_garment_and_the_arms_that_it_leaves_bare(
    known,
):
    net, (agnostic, cloth, edge), shown = narrow("tutor"), given("tutor"), []
    net.generator.register_forward_pre_hook(lambda module, args: shown.append(args[0]))
    worn = torch.zeros_like(edge)
    worn[..., :20, :] = 1
    with torch.no_grad():
        answer = net(agnostic, cloth, edge, worn if known else None)
    preserved, moved, shape, arms = shown[0].split([3, 3, 1, 1], dim=1)
    assert torch.equal(preserved, agnostic.preserved)
    assert torch.equal(moved, answer.warped_cloth)
    assert torch.equal(shape, answer.warped_edge)
    assert torch.equal(arms, agnostic.arms * (1 - (worn if known else answer.warped_edge)))


def test_cost_volume_of_a_level_sends_no_gradient_to_the_coarser_flow(monkeypatch):
    learns, real = [], vtryon.models.flow.correlate

    def spy(first, second, radius):
        learns.append(first.requires_grad)
        return real(first, second, radius)

    monkeypatch.setattr(vtryon.models.flow, "correlate", spy)
    pyramid = tuple(torch.rand(1, 4, 2 << k, 2 << k) for k in range(3))
    flows, _ = AFlowNet(4, (3, 3, 3), levels=3)(pyramid, pyramid)
    assert flows[-1].requires_grad
    assert learns == [False, False, False]


@pytest.mark.parametrize("role", ["student", "tutor"])
def test_every_parameter_learns_and_no_gradient_is_endless_even_where_a_level_is_one_pixel_wide(
    role,
):
    net = narrow(role).train()
    net(*given(role, (64, 32))).image.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_garments_of_a_batch_do_not_see_each_other():
    net, (person, cloth, edge) = narrow(), given(batch=3)
    with torch.no_grad():
        together = net(person, cloth, edge)
        alone = net(person[1:2], cloth[1:2], edge[1:2])
    for both, one in zip(flat(together), flat(alone), strict=True):
        torch.testing.assert_close(both[1:2], one, rtol=0, atol=1e-5)
