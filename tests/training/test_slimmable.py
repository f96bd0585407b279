"""Every width learns in one training: which networks a step asks, what they learn, and what is left on disk."""

import pytest
import torch
from tiny_nets import student_net, training_batch
from training.test_stages import ADAM, fit, moved, pytestmark, snapshot  # noqa: F401 (the marks)

from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.source import load_supernet
from vtryon.losses.distillation import DistillLoss
from vtryon.losses.perceptual import none
from vtryon.models.checkpoint import save_net
from vtryon.training.slimmable import Slimmable

SPACE = {"ngf": [1, 2], "channels": [[2, 4]] * 5, "fpn_channels": [2, 4], "flow_channels": [[4], [4], [2, 4]]}


def slimmable(loss=None, **changes) -> Slimmable:
    torch.manual_seed(0)
    teacher = student_net(4)
    net = student_net(4)
    net.load_state_dict(teacher.state_dict())
    loss = loss or DistillLoss(none(), perceptual_weight=0)
    return Slimmable(net, teacher, loss, ADAM, **{"space": SPACE} | changes)


def test_a_step_asks_the_widest_the_narrowest_and_some_drawn_at_random(monkeypatch):
    stage, asked = slimmable(drawn=3), []
    narrow = Supernet.__call__
    monkeypatch.setattr(
        Supernet, "__call__", lambda self, choice, *worn: asked.append(choice) or narrow(self, choice, *worn)
    )
    stage.terms(training_batch())
    space = stage.supernet.space
    assert asked[0] == space.narrowest()
    assert len(asked) == 4
    for choice in asked:
        space.indices(choice)  # raises for one that the space does not hold


def test_the_loss_is_the_mean_over_the_networks_of_a_step():
    stage, batch = slimmable(drawn=1, from_widest=0.0).double(), training_batch()
    batch = batch._replace(**{name: getattr(batch, name).double() for name in ("person", "other_cloth", "other_edge")})
    worn = (batch.person, batch.other_cloth, batch.other_edge)
    state = torch.random.get_rng_state()
    found = stage.terms(batch)["total"].item()
    torch.random.set_rng_state(state)
    lesson = stage.teacher(*worn)
    levels = [level[:, order] for level, order in zip(lesson.person_features, stage.orders, strict=True)]
    losses = [stage.loss(stage.net(*worn), lesson._replace(person_features=tuple(levels)))]
    for choice in (stage.supernet.space.narrowest(), stage.supernet.space.draw()):
        features = tuple(level[:, : choice.fpn_channels] for level in levels)
        losses.append(stage.loss(stage.supernet(choice, *worn), lesson._replace(person_features=features)))
    expected = sum(loss["total"].item() for loss in losses) / 3
    assert found == pytest.approx(expected, rel=1e-9)


def test_before_the_first_step_the_widest_network_has_nothing_to_learn():
    stage = slimmable(drawn=1)
    stage.net.eval()  # by the statistics that the teacher has
    worn = (training_batch().person, training_batch().other_cloth, training_batch().other_edge)
    with torch.no_grad():
        ours, teachers = stage.net(*worn), stage.teacher(*worn)
    torch.testing.assert_close(ours.image, teachers.image, rtol=0, atol=1e-5)


def test_the_widest_networks_pictures_are_a_share_of_the_lesson():
    def narrow_loss(share: float) -> float:
        stage = slimmable(drawn=1, from_widest=share)
        with torch.no_grad():
            for weight in stage.net.generator.parameters():
                weight.mul_(1.5)  # so that the widest network says something else than the teacher
        torch.manual_seed(1)
        return stage.terms(training_batch())["output"].item()

    assert narrow_loss(0.0) != narrow_loss(1.0)


def test_training_leaves_a_file_of_many_widths_that_have_moved(tmp_path):
    stage = slimmable()
    before = snapshot(stage.net)
    teacher = snapshot(stage.teacher.net)
    fit(stage, 1, tmp_path)
    assert moved(before, stage.net)
    assert not moved(teacher, stage.teacher.net)
    save_net(stage.net, tmp_path / "supernet.safetensors")
    supernet = load_supernet(tmp_path / "supernet.safetensors")
    assert len(supernet.space) == 2 * 2**5 * 2 * 2
    worn = (training_batch().person, training_batch().other_cloth, training_batch().other_edge)
    assert torch.isfinite(supernet.extract(supernet.space.narrowest(), [worn])(*worn).image).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drawn": 0}, r"drawn \(=0\) must be a whole number of at least 1"),
        ({"widest_every": 0}, r"widest_every \(=0\)"),
        ({"from_widest": 1.5}, r"from_widest \(=1\.5\) must be in \[0, 1\]"),
        ({"space": SPACE | {"ngf": [1]}}, r"widest choice \(ngf=1 .* must be the network's widths \(ngf=2"),
        ({"space": SPACE | {"ngf": []}}, r"ngf \(=\[\]\) must be widths of at least 1 in ascending order"),
    ],
)
def test_arguments_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        slimmable(**changes)


def test_a_teacher_of_drawn_people_is_refused_on_photographs():
    stage = slimmable()
    stage.teacher.net.trained_on = {"name": "drawn people", "fingerprint": "0"}
    stage.check_data("drawn people")
    with pytest.raises(ValueError, match=r"the teacher has learnt from drawn people, and data\.root holds VITON"):
        stage.check_data("VITON")
