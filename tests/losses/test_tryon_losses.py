"""The four losses of the training against plain numpy, term by term."""

import numpy as np
import pytest
import torch
from losses.answers import answer, far, garment, numpy_far, numpy_l1, numpy_warp_loss, target, warp_of

from vtryon.losses.terms import Terms
from vtryon.losses.tryon import StudentLoss, TutorLoss
from vtryon.losses.warping import WarpLoss

CLOTH, EDGE = garment()
GOAL = target()


def check(found: dict, expected: dict) -> None:
    values = {name: float(value) for name, value in found.items()}
    assert values == pytest.approx(expected | {"total": sum(expected.values())}, rel=1e-9)


def numpy_generator_loss(a, goal) -> dict:
    person = goal.person.numpy()
    mask = goal.edge.numpy() * a.mask.numpy()
    rendered = a.rendered.numpy()
    image = a.warped_cloth.numpy() * mask + rendered * (1 - mask)
    return {
        "image": 5 * numpy_l1(image, person),
        "image_perceptual": numpy_far(image, person),
        "rendered": 5 * numpy_l1(rendered, person),
        "rendered_perceptual": numpy_far(rendered, person),
        "mask": np.mean(np.abs(1 - mask)),
    }


def numpy_lesson(a, taught, goal) -> dict:
    worn, n = goal.cloth.numpy(), len(goal.cloth)
    better = [
        numpy_l1(taught.warped_cloth[i].numpy(), worn[i]) < numpy_l1(a.warped_cloth[i].numpy(), worn[i])
        for i in range(n)
    ]
    gated = max(sum(better), 1)
    features = flow = 0.0
    for k in range(5):
        for i in (i for i in range(n) if better[i]):
            p, q = taught.person_features[k][i].numpy(), a.person_features[k][i].numpy()
            features += (5 - k) * 0.04 * np.sum((p - q) ** 2) / (p.size * gated)
            f, g = taught.flows[k][i].numpy(), a.flows[k][i].numpy()
            if k >= 2:
                flow += (k + 1) * np.sqrt(((f - g) ** 2).sum(0)).sum() / (f[0].size * gated)
    return {"lesson_features": features, "lesson_flow": flow}


def scaled(terms: dict, factor: float) -> dict:
    return {name: factor * value for name, value in terms.items()}


def test_stage_1_is_the_warp_loss_of_the_paper():
    a = answer(0)
    check(TutorLoss(far).of_warp(warp_of(a), CLOTH, EDGE, GOAL), numpy_warp_loss(a, CLOTH, EDGE, GOAL))


def test_stage_2_is_half_the_warp_loss_and_the_generator_s():
    a = answer(0)
    expected = scaled(numpy_warp_loss(a, CLOTH, EDGE, GOAL), 0.5) | numpy_generator_loss(a, GOAL)
    check(TutorLoss(far)(a, CLOTH, EDGE, GOAL), expected)


def test_stage_3_is_the_warp_loss_and_the_whole_lesson():
    a, taught = answer(0), answer(1)
    expected = numpy_warp_loss(a, CLOTH, EDGE, GOAL) | numpy_lesson(a, taught, GOAL)
    check(StudentLoss(far).of_warp(warp_of(a), warp_of(taught), CLOTH, EDGE, GOAL), expected)


@pytest.mark.parametrize(("late", "l1", "perceptual"), [(False, 30, 2), (True, 60, 4)])
def test_stage_4_is_a_quarter_of_that_the_generator_s_and_skin_which_counts_twice_when_late(late, l1, perceptual):
    a, taught, fake_edge = answer(0), answer(1), answer(2).warped_edge
    skin = fake_edge.numpy() * (1 - GOAL.edge.numpy())
    bared, real = a.rendered.numpy() * skin, GOAL.person.numpy() * skin
    expected = scaled(numpy_warp_loss(a, CLOTH, EDGE, GOAL) | numpy_lesson(a, taught, GOAL), 0.25)
    expected |= numpy_generator_loss(a, GOAL)
    expected |= {"skin": l1 * numpy_l1(bared, real), "skin_perceptual": perceptual * numpy_far(bared, real)}
    check(StudentLoss(far)(a, warp_of(taught), fake_edge, CLOTH, EDGE, GOAL, late=late), expected)


def test_every_weight_is_an_argument():
    a, taught, fake_edge = answer(0), answer(1), answer(2).warped_edge
    nothing = WarpLoss(total_variation=0, perceptual=0, edge=0, second_order=0)
    found = TutorLoss(far, nothing, warp=3).forward(a, CLOTH, EDGE, GOAL)
    plain = TutorLoss(far).of_warp(warp_of(a), CLOTH, EDGE, GOAL)
    for name in ("total_variation", "cloth_perceptual", "edge", "second_order"):
        assert found[name] == 0
    torch.testing.assert_close(found["cloth"], 3 * plain["cloth"])
    skin = StudentLoss(far, skin=(1, 0), late_skin=(0, 1))
    early, late = (skin(a, warp_of(taught), fake_edge, CLOTH, EDGE, GOAL, late=late) for late in (False, True))
    assert early["skin_perceptual"] == late["skin"] == 0
    assert min(early["skin"], late["skin_perceptual"]) > 0


def test_all_pairs_of_a_step_reach_the_perceptual_network_in_one_call():
    calls = []

    def count(pairs):
        calls.append([tuple(prediction.shape) for prediction, _ in pairs])
        return far(pairs)

    StudentLoss(count)(answer(0), warp_of(answer(1)), answer(2).warped_edge, CLOTH, EDGE, GOAL)
    assert len(calls) == 1
    assert sorted(shape[-1] for shape in calls[0]) == [4, 8, 16, 32, 64, 64, 64, 64]


def test_garment_may_come_with_its_background_or_without():
    a = warp_of(answer(0))
    with_background = TutorLoss(far).of_warp(a, CLOTH, EDGE, GOAL)
    without = TutorLoss(far).of_warp(a, CLOTH * EDGE, EDGE, GOAL)
    assert torch.equal(with_background["total"], without["total"])


def test_a_batch_costs_the_mean_of_its_samples():
    a, fake_edge = answer(0), answer(2).warped_edge
    whole = TutorLoss(far)(a, CLOTH, EDGE, GOAL)["total"]

    def cut(value, i):
        return value[i : i + 1] if isinstance(value, torch.Tensor) else tuple(cut(part, i) for part in value)

    alone = []
    for i in range(2):
        one, goal = type(a)(*cut(a, i)), type(GOAL)(*cut(GOAL, i))
        alone.append(TutorLoss(far)(one, CLOTH[i : i + 1], EDGE[i : i + 1], goal)["total"])
    torch.testing.assert_close(whole, sum(alone) / 2)
    assert fake_edge.shape == (2, 1, 64, 64)


def test_gradients_reach_the_answer_and_neither_the_lesson_nor_the_target():
    def leaves(value):
        return [value] if isinstance(value, torch.Tensor) else [leaf for part in value for leaf in leaves(part)]

    def learning(value):
        return value.requires_grad_() if isinstance(value, torch.Tensor) else tuple(map(learning, value))

    a, taught = answer(0), warp_of(answer(1))
    StudentLoss(far)(
        type(a)(*learning(tuple(a))), type(taught)(*learning(tuple(taught))), answer(2).warped_edge, CLOTH, EDGE, GOAL
    )["total"].backward()
    assert all(value.grad is None for value in leaves(taught))
    for name in ("warped_cloth", "rendered", "mask", "flows", "offsets", "person_features"):
        assert all(value.grad is not None for value in leaves(getattr(a, name))), name


def test_terms_of_one_name_add_up_and_total_is_their_sum():
    terms = Terms(scale=2)
    terms.add("a", torch.tensor(1.0))
    terms.add("a", torch.tensor(1.0), weight=3)
    terms.look("b", torch.ones(1), torch.ones(1), weight=5)
    other = Terms(scale=1)
    other.add("a", torch.tensor(0.5))
    other.look("b", torch.ones(1), torch.zeros(1))
    terms.join(other)
    found = terms.total(far)
    assert {name: float(value) for name, value in found.items()} == {"a": 8.5, "b": 11.0, "total": 19.5}
    assert list(terms.total(perceptual=None)) == ["a", "total"]
