"""Who teaches whom: the gate of adjustable distillation, and lessons between networks of different widths."""

import numpy as np
import pytest
import torch
from losses.answers import answer, far, numpy_far, numpy_l1, target, warp_of
from skimage.metrics import structural_similarity
from torch import nn

from vtryon.losses.distillation import AdjustableDistillation, DistillLoss, gated, teaches

GOAL = target()


def warped_off_by(*errors: float):
    """An answer whose garment differs from the worn one by so much, a sample."""
    a = answer(3, batch=len(errors))
    worn = target(batch=len(errors)).cloth
    return a._replace(warped_cloth=worn + torch.tensor(errors, dtype=torch.float64).view(-1, 1, 1, 1)), worn


def test_gate_opens_for_each_sample_by_itself_and_never_at_a_draw():
    (taught, worn), (learnt, _) = warped_off_by(0.1, 0.3, 0.2), warped_off_by(0.2, -0.2, 0.2)
    assert teaches(taught.warped_cloth, learnt.warped_cloth, worn).tolist() == [1, 0, 0]
    assert teaches(learnt.warped_cloth, taught.warped_cloth, worn).tolist() == [0, 1, 0]


def test_closed_gate_teaches_exactly_nothing_and_pulls_at_nothing():
    (taught, worn), (learnt, _) = warped_off_by(0.3, 0.2), warped_off_by(0.1, 0.2)
    features = tuple(level.requires_grad_() for level in learnt.person_features)
    total = AdjustableDistillation()(learnt, taught, worn).total(None)["total"]
    total.backward()
    assert total == 0
    assert all((level.grad == 0).all() for level in features)


def test_only_taught_samples_are_averaged():
    values = torch.tensor([1.0, 10.0, 100.0], requires_grad=True)
    assert gated(values, torch.tensor([1.0, 0.0, 1.0])) == 50.5
    assert gated(values, torch.zeros(3)) == 0
    gated(values, torch.tensor([1.0, 0.0, 1.0])).backward()
    assert values.grad.tolist() == [0.5, 0, 0.5]


def test_a_sample_that_is_not_taught_has_no_say_in_the_lesson():
    (taught, worn), (learnt, _) = warped_off_by(0.1, 0.3), warped_off_by(0.2, 0.2)
    both = AdjustableDistillation()(learnt, taught, worn).total(None)["total"]

    def first(a):
        return type(a)(*(tuple(part[:1] for part in value) if isinstance(value, tuple) else value[:1] for value in a))

    alone = AdjustableDistillation()(first(learnt), first(taught), worn[:1]).total(None)["total"]
    torch.testing.assert_close(both, alone)


@pytest.mark.parametrize("flow_from", [0, 2, 4])
def test_level_weights_are_those_of_the_paper_and_of_the_arguments(flow_from):
    (taught, worn), (learnt, _) = warped_off_by(0.1, 0.1), warped_off_by(0.2, 0.2)
    learnt = learnt._replace(  # off by 1 everywhere in features, by the vector (3, 4) / 10 in flows
        person_features=tuple(level + 1 for level in taught.person_features),
        flows=tuple(flow + torch.tensor([0.3, 0.4]).view(1, 2, 1, 1) for flow in taught.flows),
    )
    terms = AdjustableDistillation(feature=0.1, flow=2, flow_from=flow_from)(learnt, taught, worn, scale=0.5).total(
        None
    )
    assert float(terms["lesson_features"]) == pytest.approx(0.5 * 0.1 * (5 + 4 + 3 + 2 + 1))
    assert float(terms["lesson_flow"]) == pytest.approx(0.5 * 2 * 0.5 * sum(range(flow_from + 1, 6)), rel=1e-6)


def matched(loss: DistillLoss, teacher: int, student: int) -> DistillLoss:
    loss.match([teacher] * 5, [student] * 5)
    return loss.double()


def test_a_student_of_the_same_width_learns_by_the_plain_formula():
    a, taught = answer(0), answer(1)
    loss = matched(DistillLoss(far, output=2, rendered=3, mask=3, perceptual_weight=5, feature=7, flow=11), 3, 3)
    features, flow = 0.0, 0.0
    for k in range(5):
        features += 7 * np.mean((a.person_features[k].numpy() - taught.person_features[k].numpy()) ** 2)
        gap = a.flows[k].numpy() - taught.flows[k].numpy()
        flow += 11 * (k + 1) * np.mean(np.sqrt((gap**2).sum(1)))
    expected = {
        "output": 2 * numpy_l1(a.image.numpy(), taught.image.numpy()),
        "perceptual": 5 * numpy_far(a.image.numpy(), taught.image.numpy()),
        "rendered": 3 * numpy_l1(a.rendered.numpy(), taught.rendered.numpy()),
        "mask": 3 * numpy_l1(a.mask.numpy(), taught.mask.numpy()),
        "features": features,
        "flow": flow,
    }
    found = {name: float(value) for name, value in loss(a, taught).items()}
    assert found == pytest.approx(expected | {"total": sum(expected.values())}, rel=1e-9)
    assert not list(loss.parameters())


def test_what_is_kept_of_the_photo_is_taught_where_both_networks_keep_some():
    loss = matched(DistillLoss(far, keep=4), 3, 3)
    a, taught = answer(0), answer(1)
    keeping = a._replace(keep=torch.full_like(a.mask, 0.75))
    lesson = taught._replace(keep=torch.full_like(taught.mask, 0.25))
    assert float(loss(keeping, lesson)["keep"]) == pytest.approx(4 * 0.5)
    assert "keep" not in loss(a, lesson)
    assert "keep" not in loss(keeping, taught)


def test_a_narrower_student_is_compared_through_adapters_that_learn_beside_it():
    loss = matched(DistillLoss(far), 8, 3)
    a, taught = answer(0, channels=3), answer(1, channels=8)
    loss(a, taught)["total"].backward()
    assert [tuple(adapter.weight.shape) for adapter in loss.adapters] == [(8, 3, 1, 1)] * 5
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in loss.parameters())


def test_adapters_can_make_a_student_who_knows_all_the_same_as_the_teacher():
    loss = matched(DistillLoss(far, perceptual_weight=0), 6, 3)
    a = answer(0, channels=3)
    taught = a._replace(person_features=tuple(torch.cat([level, -level], dim=1) for level in a.person_features))
    for adapter in loss.adapters:
        nn.init.zeros_(adapter.bias)
        adapter.weight.data = torch.cat([torch.eye(3), -torch.eye(3)]).double().view(6, 3, 1, 1)
    assert loss(a, taught)["total"].item() == 0


@pytest.mark.parametrize(
    ("weight", "terms"),
    [
        ("output", {"output"}),
        ("rendered", {"rendered"}),
        ("mask", {"mask"}),
        ("perceptual_weight", {"perceptual"}),
        ("feature", {"features"}),
        ("flow", {"flow"}),
        ("ssim", {"ssim"}),
    ],
)
def test_weight_zero_turns_a_term_off_and_leaves_the_others(weight, terms):
    def named(**weights):
        return matched(DistillLoss(far, **({"ssim": 1} | weights)), 3, 3)(answer(0), answer(1))

    whole, without = named(), named(**{weight: 0})
    assert whole.keys() - without.keys() == terms
    for name in without.keys() - {"total"}:
        assert torch.equal(without[name], whole[name])


def test_a_loss_without_any_weight_is_refused():
    with pytest.raises(ValueError, match="nothing to learn"):
        DistillLoss(far, output=0, rendered=0, mask=0, perceptual_weight=0, feature=0, flow=0)


def test_the_ssim_term_is_the_independent_one_of_the_pictures():
    a, taught = answer(0), answer(1)
    loss = matched(DistillLoss(far, 0, 0, 0, 0, ssim=2, feature=0, flow=0), 3, 3)
    pictures = zip(a.image.numpy(), taught.image.numpy(), strict=True)
    same = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 2, "channel_axis": 0}
    independent = np.mean([structural_similarity(one, other, **same) for one, other in pictures])
    assert float(loss(a, taught)["ssim"]) == pytest.approx(2 * (1 - independent), abs=0.02)  # they differ at borders


def test_an_adjustable_lesson_teaches_only_what_the_teacher_warps_better():
    a, taught, worn = answer(0), answer(1), GOAL.cloth
    a = a._replace(warped_cloth=torch.cat([worn[:1], worn[1:] + 1]))  # of the first, the student knows all
    taught = taught._replace(warped_cloth=worn + 0.5)
    loss = matched(DistillLoss(far, adjustable=True), 3, 3)
    second = matched(DistillLoss(far), 3, 3)(cut(a), cut(taught))
    found = loss(a, taught, worn)
    assert torch.allclose(found["flow"], second["flow"])
    assert torch.allclose(found["features"], second["features"])


def test_an_adjustable_lesson_needs_the_worn_garment():
    with pytest.raises(ValueError, match="training=by_both"):
        matched(DistillLoss(far, adjustable=True), 3, 3)(answer(0), answer(1))


def cut(a):
    """Its second sample alone."""
    return type(a)(*(tuple(x[1:] for x in field) if isinstance(field, tuple) else field[1:] for field in a))


def test_the_worn_garment_may_come_in_a_warp_or_in_a_try_on():
    a, taught = answer(0), answer(1)
    one = AdjustableDistillation()(a, taught, GOAL.cloth).total(None)["total"]
    other = AdjustableDistillation()(warp_of(a), warp_of(taught), GOAL.cloth).total(None)["total"]
    assert torch.equal(one, other)
