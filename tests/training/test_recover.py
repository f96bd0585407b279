"""What tunes a compressed network: its task, the network before it, or both; and what must not move meanwhile."""

import pytest
import pytorch_lightning as pl
import torch
from tiny_nets import student_net, training_batch, tutor_net
from torch.utils.data import DataLoader
from torch_pruning.pruner.importance import TaylorImportance
from training.test_stages import ADAM, fit, moved, pytestmark, snapshot  # noqa: F401 (the marks)

from vtryon.compression.gradual_pruning import GradualPruning
from vtryon.compression.pruning import Pruning
from vtryon.losses.distillation import AdjustableDistillation, DistillLoss
from vtryon.losses.perceptual import none
from vtryon.losses.tryon import StudentLoss
from vtryon.models.architecture import widths
from vtryon.training.distill import Distill
from vtryon.training.recover import Recover


def recover(lesson=None, width: int = 8, net=None) -> Recover:
    torch.manual_seed(0)
    teacher = student_net(width)
    net = net or Pruning(0.5, round_to=1)(teacher)
    task = StudentLoss(none(), distillation=AdjustableDistillation(feature=0))
    return Recover(net, tutor_net(), teacher, task, ADAM, lesson)


def test_both_is_the_task_and_the_lesson_added():
    batch, lesson = training_batch(), DistillLoss(none(), perceptual_weight=0, adjustable=True)
    both, task = recover(lesson), recover()
    with torch.no_grad():
        found, alone = both.terms(batch), task.terms(batch)
    taught = sum(value for name, value in found.items() if name.startswith("teacher_"))
    assert float(taught) > 0
    assert float(found["total"]) == pytest.approx(float(alone["total"] + taught))


def test_only_the_compressed_network_and_its_adapters_move(tmp_path):
    stage = recover(DistillLoss(none(), perceptual_weight=0))
    before = [snapshot(part) for part in (stage.net, stage.tutor.net, stage.teacher.net, stage.lesson)]
    fit(stage, 1, tmp_path)
    assert moved(before[0], stage.net)
    assert moved(before[3], stage.lesson)
    assert not moved(before[1], stage.tutor.net)
    assert not moved(before[2], stage.teacher.net)


def test_a_fixed_part_keeps_its_weights_and_its_statistics(tmp_path):
    stage = Distill(student_net(4), student_net(8), DistillLoss(none()), ADAM, fixed=["warp"])
    before = snapshot(stage.net)
    fit(stage, 1, tmp_path, sizes=(2, 2))
    after = stage.net.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before if key.startswith("warp."))
    assert any(not torch.equal(before[key], after[key]) for key in before if key.startswith("generator."))


def gradually(tmp_path, steps: int, epochs: int = 2, **options):
    torch.manual_seed(0)
    stage = Distill(student_net(8), student_net(8), DistillLoss(none()), ADAM)
    callback = GradualPruning(ratio=0.5, round_to=1, steps=steps, until=0.5)
    trainer = fit(stage, epochs, tmp_path, sizes=(2, 2, 2), callbacks=[callback], **options)
    return stage, trainer


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_pruning_on_the_way_ends_with_the_widths_of_one_shot(tmp_path, steps):
    stage, trainer = gradually(tmp_path, steps)
    assert widths(stage.net) == widths(Pruning(0.5, round_to=1)(student_net(8)))
    (optimizer,) = trainer.optimizers
    learning = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    assert {id(weight) for weight in stage.net.parameters()} <= learning


def test_a_run_stopped_between_two_prunings_goes_on_to_the_same_widths(tmp_path):
    whole, _ = gradually(tmp_path / "whole", 3)
    half, trainer = gradually(tmp_path / "half", 3, max_steps=1)
    saved = tmp_path / "last.ckpt"
    trainer.save_checkpoint(saved)
    assert widths(half.net) != widths(whole.net)
    torch.manual_seed(0)
    stage = Distill(student_net(8), student_net(8), DistillLoss(none()), ADAM)
    fit(stage, 2, tmp_path, sizes=(2, 2, 2), resume=saved, callbacks=[GradualPruning(ratio=0.5, round_to=1, steps=3)])
    assert widths(stage.net) == widths(whole.net)


def test_a_network_that_was_to_be_pruned_on_the_way_is_not_judged_before(tmp_path):
    stage = Distill(student_net(8), student_net(8), DistillLoss(none()), ADAM)
    trainer = pl.Trainer(
        logger=False, accelerator="cpu", callbacks=[GradualPruning(ratio=0.5)], enable_progress_bar=False
    )
    with pytest.raises(ValueError, match="0 of 1 steps, as nothing trained it"):
        trainer.test(stage, DataLoader([training_batch()], batch_size=None), verbose=False)


def test_pruning_must_be_done_within_the_training():
    with pytest.raises(ValueError, match=r"until \(=1.5\) must be in \(0, 1\]"):
        GradualPruning(until=1.5)


def test_an_importance_of_gradients_is_refused_where_the_loss_has_none():
    net, taylor = student_net(8), Pruning(0.5, importance=TaylorImportance(), round_to=1)
    with pytest.raises(ValueError, match="training=by_task"):
        taylor(net, [training_batch()], lambda pruned, batch: 0 * pruned.generator(batch.pose[:, :7]).sum())
