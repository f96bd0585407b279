"""Training in numbers of two bytes: it learns as in float32, coordinates stay float32, and so do scores."""

import pytest
import pytorch_lightning as L
import torch
from tiny_nets import student_net, training_batch, tutor_net
from torch.utils.data import DataLoader

from vtryon.losses.distillation import DistillLoss
from vtryon.losses.perceptual import efficientnet_lite0
from vtryon.losses.tryon import StudentLoss, TutorLoss
from vtryon.models.tryon import TryOn
from vtryon.training import precision
from vtryon.training.distill import Distill
from vtryon.training.precision import MIXED, MixedTraining, resolved
from vtryon.training.recover import Recover
from vtryon.training.stage import Stage
from vtryon.training.student import Student, StudentWarp
from vtryon.training.tutor import Tutor, TutorWarp

STEPS = 3
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*log_every_n_steps"),
]


def adam(groups) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, lr=1e-4, fused=True)


@pytest.fixture(scope="module")
def perceptual():
    return efficientnet_lite0()


def stage_of(name: str, perceptual) -> Stage:
    torch.manual_seed(0)
    own, dense, tutor = student_net(4), student_net(8), tutor_net(4)
    lesson = DistillLoss(perceptual, ssim=1.0)
    return {
        "tutor_warp": lambda: TutorWarp(tutor, TutorLoss(perceptual), adam),
        "tutor": lambda: Tutor(tutor, TutorLoss(perceptual), adam),
        "student_warp": lambda: StudentWarp(own, tutor, StudentLoss(perceptual), adam),
        "student": lambda: Student(own, tutor, StudentLoss(perceptual), adam),
        "by_teacher": lambda: Distill(own, dense, lesson, adam),
        "by_both": lambda: Recover(own, tutor, dense, StudentLoss(perceptual), adam, lesson=lesson),
    }[name]()


class Seen(L.Callback):
    """Losses of the steps, and what the networks gave in training and in validation."""

    def __init__(self, stage: Stage):
        self.losses, self.trained, self.validated = [], [], []
        stage.net.warp.register_forward_hook(lambda module, inputs, warp: self._note(module, warp))

    def _note(self, module, warp) -> None:
        (self.trained if module.training else self.validated).append(warp)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.losses.append(float(outputs["loss"]))


def train(stage: Stage, folder, asked: str | None) -> Seen:
    seen = Seen(stage)
    loaders = [DataLoader([training_batch(seed=seed) for seed in seeds], batch_size=None) for seeds in ([0, 1, 2], [3])]
    trainer = L.Trainer(
        **{"accelerator": "cpu", "max_epochs": 1, "logger": False, "default_root_dir": folder},
        **{"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False},
        num_sanity_val_steps=0,
        callbacks=[seen],
        plugins=[] if asked is None else [MixedTraining(asked, "cpu")],
    )
    trainer.fit(stage, *loaders)
    return seen


STAGES = ["tutor_warp", "tutor", "student_warp", "student", "by_teacher", "by_both"]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_learns_in_bf16_as_in_float32(name, perceptual, tmp_path):
    exact, mixed = (train(stage_of(name, perceptual), tmp_path, asked) for asked in (None, "bf16-mixed"))
    assert len(mixed.losses) == STEPS
    assert mixed.losses == pytest.approx(exact.losses, rel=0.02)
    assert mixed.losses != exact.losses


@pytest.mark.slow
def test_a_stage_learns_in_fp16(perceptual, tmp_path):
    exact, mixed = (train(stage_of("student", perceptual), tmp_path, asked) for asked in (None, "16-mixed"))
    assert mixed.losses == pytest.approx(exact.losses, rel=0.02)
    assert mixed.trained[0].person_features[0].dtype == torch.float16


@pytest.mark.parametrize("asked", MIXED)
def test_features_are_narrow_and_coordinates_are_not(asked, perceptual, tmp_path):
    seen = train(stage_of("tutor_warp", perceptual), tmp_path, asked)
    assert {level.dtype for level in seen.trained[0].person_features} == {getattr(torch, DTYPES[asked])}
    coordinates = [*seen.trained[0].flows, *seen.trained[0].offsets, seen.trained[0].cloth]
    assert {each.dtype for each in coordinates} == {torch.float32}


DTYPES = {"bf16-mixed": "bfloat16", "16-mixed": "float16"}


def test_what_is_validated_is_float32_all_through(perceptual, tmp_path):
    seen = train(stage_of("tutor_warp", perceptual), tmp_path, "bf16-mixed")
    assert {level.dtype for level in seen.validated[0].person_features} == {torch.float32}


def test_pictures_of_a_training_step_are_float32():
    with torch.autocast("cpu", torch.bfloat16):
        batch = training_batch()
        said = student_net()(batch.person, batch.cloth, batch.cloth_edge)
    assert isinstance(said, TryOn)
    assert {each.dtype for each in said[:6]} == {torch.float32}


@pytest.mark.parametrize(("multiplies", "taken"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_takes_bf16_where_the_processor_multiplies_it(multiplies, taken, monkeypatch):
    monkeypatch.setattr(precision, "_cpu_multiplies_bf16", lambda: multiplies)
    assert resolved("auto", "cpu") == taken
    assert resolved("16-mixed", "cpu") == "16-mixed"
