"""A number that is not finite stops the training before it reaches the weights."""

import pytest
import pytorch_lightning as L
import torch
from tiny_nets import training_batch, tutor_net
from torch.utils.data import DataLoader

from vtryon.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from vtryon.callbacks.checkpointing.checkpoints import Checkpoints
from vtryon.losses.perceptual import none
from vtryon.losses.tryon import TutorLoss
from vtryon.training.stage import Means
from vtryon.training.tutor import TutorWarp


class Poison(L.Callback):
    """Spoils one number at a step."""

    def __init__(self, step: int, where: str):
        self.step, self.where = step, where

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if self.where == "loss" and trainer.global_step == self.step:
            batch.cloth[0, 0, 0, 0] = float("nan")

    def on_after_backward(self, trainer, module):
        if self.where == "gradient" and trainer.global_step == self.step:
            next(p for p in module.parameters() if p.grad is not None).grad.view(-1)[0] = float("inf")

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if self.where == "weights" and trainer.global_step == self.step + 1:
            with torch.no_grad():
                next(module.net.parameters()).view(-1)[0] = float("nan")


def train(folder, poison: Poison):
    """Seven steps, of which each is saved."""
    torch.manual_seed(0)
    stage = TutorWarp(tutor_net(), TutorLoss(none()), lambda groups: torch.optim.Adam(groups, 1e-3))
    batches = DataLoader([training_batch(seed=seed) for seed in range(7)], batch_size=None)
    trainer = L.Trainer(
        **{"accelerator": "cpu", "max_epochs": 1, "logger": False, "default_root_dir": folder},
        callbacks=[poison, Checkpoints(folder, every_n_steps=1)],
        plugins=[AtomicCheckpointIO()],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(stage, batches)


QUIET = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),
    pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`"),
    pytest.mark.filterwarnings("ignore:.*is not resumable"),
]
pytestmark = QUIET


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("loss", r"total is nan.* on samples 003000_0, 003001_0"),
        ("gradient", r"the gradient of net\.\S+ \(1 in all\) is not finite on samples 003000_0, 003001_0"),
        ("weights", r"weights are not finite in net\."),
    ],
)
def test_the_step_is_named_and_the_last_finite_checkpoint_is_kept(where, said, tmp_path):
    with pytest.raises(FloatingPointError, match=said):
        train(tmp_path, Poison(3, where))
    saved = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["global_step"] == 3
    assert all(torch.isfinite(value).all() for value in saved["state_dict"].values())


def test_means_go_on_where_they_stopped():
    values = [(1.0, 2), (4.0, 2), (7.0, 1)]
    whole, first = Means(), Means()
    for value, count in values:
        whole.add({"total": torch.tensor(value)}, count)
    for value, count in values[:1]:
        first.add({"total": torch.tensor(value)}, count)
    second = Means(**first.state())
    for value, count in values[1:]:
        second.add({"total": torch.tensor(value)}, count)
    assert float(second.take()["total"]) == float(whole.take()["total"]) == pytest.approx((1 * 2 + 4 * 2 + 7) / 5)
