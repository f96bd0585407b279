"""Weights lie channels last in a fit of two bytes a number only, and the optimiser's memory lies as they do."""

from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as L
import torch
from tiny_nets import training_batch, tutor_net
from torch.utils.data import DataLoader

from vtryon.callbacks.channels_last import ChannelsLast, lay_out_alike
from vtryon.losses.perceptual import none
from vtryon.losses.tryon import TutorLoss
from vtryon.training.precision import MixedTraining
from vtryon.training.tutor import TutorWarp

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*log_every_n_steps"),
    pytest.mark.filterwarnings("ignore:.*have no `val_dataloader`"),
]
ADAM = partial(torch.optim.Adam, lr=1e-3, fused=True)


class Look(L.Callback):
    """Whether weights and moments lie channels last, step by step."""

    def __init__(self):
        self.weights, self.moments = [], []

    def on_train_batch_end(self, trainer, module, *_):
        weight = inner(module)
        self.weights.append(weight.is_contiguous(memory_format=torch.channels_last))
        self.moments.append(trainer.optimizers[0].state[weight]["exp_avg"].stride() == weight.stride())


def inner(module) -> torch.nn.Parameter:
    """A weight of 3x3 and several channels: laid out both ways it differs."""
    return module.net.warp.image_FPN.smooth[0].weight


def fit(folder: Path, asked: str | None, epochs: int = 1, resume: Path | None = None) -> tuple[TutorWarp, Look]:
    torch.manual_seed(0)
    stage, look = TutorWarp(tutor_net(), TutorLoss(none()), ADAM), Look()
    trainer = L.Trainer(
        **{"accelerator": "cpu", "max_epochs": epochs, "logger": False, "default_root_dir": folder},
        **{"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False},
        callbacks=[ChannelsLast(), look],
        plugins=[] if asked is None else [MixedTraining(asked, "cpu")],
    )
    trainer.fit(stage, DataLoader([training_batch()] * 2, batch_size=None), ckpt_path=resume, weights_only=True)
    trainer.save_checkpoint(folder / "end.ckpt")
    return stage, look


@pytest.mark.parametrize(("asked", "last"), [("bf16-mixed", True), (None, False)])
def test_weights_lie_channels_last_in_a_fit_of_two_bytes_and_nowhere_else(asked, last, tmp_path):
    stage, look = fit(tmp_path, asked)
    assert look.weights == [last, last]
    assert inner(stage).is_contiguous()


@pytest.mark.parametrize(
    ("before", "after"), [("bf16-mixed", None), (None, "bf16-mixed"), ("bf16-mixed", "bf16-mixed")]
)
def test_a_fit_goes_on_in_another_precision_with_moments_laid_out_as_its_weights(before, after, tmp_path):
    fit(tmp_path, before)
    _, look = fit(tmp_path, after, epochs=2, resume=tmp_path / "end.ckpt")
    assert look.moments == [True, True]


def test_moments_stay_with_their_weights_whatever_the_layout():
    def stepped(layout: torch.memory_format) -> torch.Tensor:
        draw = torch.Generator().manual_seed(0)
        weight, *gradients = torch.randn(3, 4, 3, 3, 3, generator=draw)
        weight = torch.nn.Parameter(weight)
        optimizer = ADAM([weight])
        for gradient in gradients:
            weight.data = weight.data.contiguous(memory_format=layout)
            lay_out_alike(optimizer)
            weight.grad = gradient.contiguous(memory_format=layout)
            optimizer.step()
            layout = torch.channels_last if layout == torch.contiguous_format else torch.contiguous_format
        return weight.detach()

    torch.testing.assert_close(stepped(torch.contiguous_format), stepped(torch.channels_last), rtol=0, atol=0)
