"""Which weights each stage moves, which it must not, and what its loss sees."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from tiny_nets import student_net, training_batch, tutor_net
from torch.utils.data import DataLoader

from vtryon.losses.distillation import DistillLoss
from vtryon.losses.perceptual import none
from vtryon.losses.tryon import StudentLoss, TutorLoss
from vtryon.training.distill import Distill
from vtryon.training.student import Student, StudentWarp
from vtryon.training.tutor import Tutor, TutorWarp

ADAM = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999))
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*log_every_n_steps"),
    pytest.mark.filterwarnings("ignore:.*have no `val_dataloader`"),
]


def fit(stage, epochs: int, folder, sizes: tuple[int, ...] = (2,), resume=None, **options) -> pl.Trainer:
    """Train on ready batches of the given sizes."""
    batches = [training_batch(count, seed) for seed, count in enumerate(sizes)]
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = pl.Trainer(accelerator="cpu", max_epochs=epochs, default_root_dir=folder, **quiet, **options)
    trainer.fit(stage, DataLoader(batches, batch_size=None), ckpt_path=resume, weights_only=True)
    return trainer


def moved(before: dict, net: torch.nn.Module) -> set[str]:
    """Names of the parameters that changed."""
    return {name for name, value in net.named_parameters() if not torch.equal(value, before[name])}


def snapshot(net: torch.nn.Module) -> dict:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def stage_of(name: str) -> pl.LightningModule:
    torch.manual_seed(0)
    if name == "tutor_warp":
        return TutorWarp(tutor_net(), TutorLoss(none()), ADAM)
    if name == "tutor":
        return Tutor(tutor_net(), TutorLoss(none()), ADAM)
    if name == "student_warp":
        return StudentWarp(student_net(), tutor_net(), StudentLoss(none()), ADAM)
    if name == "student":
        return Student(student_net(), tutor_net(), StudentLoss(none()), ADAM)
    loss = DistillLoss(none())
    return Distill(student_net(4), student_net(8), loss, ADAM)


STAGES = ["tutor_warp", "tutor", "student_warp", "student", "distill"]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_learns_and_keeps_its_teachers(name, tmp_path):
    stage = stage_of(name)
    net, frozen = snapshot(stage.net), getattr(stage, "tutor", getattr(stage, "teacher", None))
    teacher = snapshot(frozen.net) if frozen else None
    fit(stage, 1, tmp_path, sizes=(2, 1))  # the last batch is a partial one
    changed = moved(net, stage.net)
    assert any(key.startswith("warp.") for key in changed)
    assert any(key.startswith("generator.") for key in changed) == (not name.endswith("_warp"))
    if teacher:
        assert all(torch.equal(value, teacher[key]) for key, value in frozen.net.state_dict().items())


def test_stage_three_moves_only_what_the_tutor_could_not_hand_down_until_half_time(tmp_path):
    stage = stage_of("student_warp")
    before = snapshot(stage.net)

    class StopEarly(pl.Callback):
        def on_train_epoch_end(self, trainer, module):
            if trainer.current_epoch == 0:
                self.changed = moved(before, module.net)

    early = StopEarly()
    fit(stage, 4, tmp_path, callbacks=[early])  # epoch 0 rests, epoch 1 opens
    own = ("warp.cond_features", "warp.cond_FPN", "warp.aflow_net.netRefine")
    assert early.changed
    assert all(name.startswith(own) for name in early.changed)
    assert any(name.startswith("warp.image_features") for name in moved(before, stage.net))


def test_stage_three_trains_the_published_number_of_weights_at_first():
    from vtryon.models.afwm import AFWM
    from vtryon.training.student import OWN

    with torch.device("meta"):
        warp = AFWM(3)
    assert sum(p.numel() for name, p in warp.named_parameters() if name.startswith(OWN)) == 15_985_648


@pytest.mark.parametrize("name", ["tutor", "student"])
def test_the_warp_learns_at_a_fifth_of_the_rate(name, tmp_path):
    stage = stage_of(name)
    trainer = fit(stage, 1, tmp_path)
    (optimizer,) = trainer.optimizers
    assert [group["initial_lr"] for group in optimizer.param_groups] == pytest.approx([2e-4, 1e-3])


def test_the_student_sees_the_fake_and_not_the_photo():
    stage, batch = stage_of("student"), training_batch()
    seen = []
    stage.net.register_forward_hook(lambda module, args, out: seen.append(args[0]))
    stage._trainer = type("Trainer", (), {"max_epochs": 4, "current_epoch": 0})()
    stage.terms(batch)
    with torch.no_grad():
        fake, _ = stage.tutor.net.teach(*_taught(batch))
    torch.testing.assert_close(seen[0], fake.image)


def test_one_look_at_the_person_gives_what_two_runs_of_the_tutor_give():
    torch.manual_seed(0)
    tutor, batch = tutor_net().eval(), training_batch()
    agnostic, *garments = _taught(batch)
    with torch.no_grad():
        fake, lesson = tutor.teach(agnostic, *garments)
        other = tutor(agnostic, batch.other_cloth, batch.other_edge)
        own = tutor(agnostic, batch.cloth, batch.cloth_edge)
    torch.testing.assert_close(fake.image, other.image)
    torch.testing.assert_close(lesson.flow, own.flow)
    torch.testing.assert_close(lesson.person_features[0], own.person_features[0])


def test_adapters_between_widths_learn_and_are_not_part_of_the_student(tmp_path):
    stage = stage_of("distill")
    before = [value.clone() for value in stage.loss.parameters()]
    fit(stage, 1, tmp_path)
    assert any(not torch.equal(a, b) for a, b in zip(before, stage.loss.parameters(), strict=True))
    assert not any("adapter" in key for key in stage.net.state_dict())


def test_a_checkpoint_does_not_carry_the_teacher():
    assert not any(key.startswith(("tutor", "teacher")) for key in stage_of("student").state_dict())


def _taught(batch):
    from vtryon.data.parse import agnostic

    return agnostic(batch), batch.cloth, batch.cloth_edge, batch.other_cloth, batch.other_edge


def test_a_network_that_was_read_in_eval_mode_learns_in_training_mode(tmp_path):
    stage = stage_of("distill")
    stage.net.eval()
    before = snapshot(stage.net)
    fit(stage, 1, tmp_path)
    norms = [name for name in before if name.endswith("running_mean")]
    assert norms
    assert not any(torch.equal(before[name], stage.net.state_dict()[name]) for name in norms)
