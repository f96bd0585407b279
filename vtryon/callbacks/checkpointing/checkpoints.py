"""RUN/checkpoints/last.ckpt and RUN/history.jsonl: what a run goes on from, bit for bit, wherever it was killed.

Lightning's own ModelCheckpoint is not used: it knows no random states, and what it saves at the last batch of an epoch
goes on without that epoch's validation and averages. Here a checkpoint is taken after every n-th step, after each
epoch with all its numbers, and, of a run that is told to stop, at the next of its steps.
"""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from vtryon.callbacks.checkpointing.history import History
from vtryon.callbacks.checkpointing.random_state import random_state, set_random_state
from vtryon.callbacks.checkpointing.stopping import SIGNALS, leave, listen, restore, schedulers_own
from vtryon.callbacks.recorder import Recorder

_VALIDATION = "epoch_loop.val_loop.batch_progress"


class Checkpoints(Recorder, Checkpoint):
    """Save the whole state of a run; on a signal save at once, and leave.

    Args:
        folder: of the run.
        every_n_steps: optimiser steps; a run that is killed repeats at most so many.
    """

    def __init__(self, folder: str | Path, every_n_steps: int = 200):
        self.folder, self.every_n_steps = Path(folder), every_n_steps
        self.path = self.folder / "checkpoints" / "last.ckpt"
        self.history = History(self.folder / "history.jsonl")
        self.state: dict[str, Any] | None = None  # of the checkpoint that the run goes on from
        self.validation: dict[str, float] = {}  # of the epoch under way
        self.latest: dict[str, float] = {}
        self.random_before_validation: dict[str, Any] | None = None
        self.signal: int | None = None
        self.handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self._sweep_up()
            self.history.cut((self.state or {}).get("history_bytes", 0))
        if self.state is not None:
            set_random_state(self.state["random"])
        self.handlers = listen(self._remember, (*SIGNALS, *schedulers_own()))

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs, batch, batch_idx) -> None:
        if trainer.is_last_batch:
            return  # the epoch's end follows, with its validation
        if self._told(trainer) or trainer.global_step % self.every_n_steps == 0:
            self._save(trainer)
        self._leave_if_told(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.random_before_validation = random_state()

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs, batch, batch_idx, dataloader_idx: int = 0
    ) -> None:
        if self.handlers and self._told(trainer):
            self._save(trainer)
            self._leave_if_told(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.random_before_validation = None
        if trainer.state.fn == "fit":
            self.validation = _numbers(trainer.callback_metrics, "val/")
            self.latest |= self.validation

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        learnt = _numbers(trainer.callback_metrics, "train/")  # processes meet here, so that all of them have to ask
        if trainer.is_global_zero:
            rates = {f"lr/{i}": group["lr"] for i, group in enumerate(trainer.optimizers[0].param_groups)}
            numbers = learnt | self.validation | rates
            self.history.add({"epoch": trainer.current_epoch, "step": trainer.global_step} | numbers)
        self.validation = {}
        self._save(trainer)
        self._leave_if_told(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._stop_listening()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._stop_listening()

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict) -> None:
        """A checkpoint from within a validation looks to Lightning as if its first batch were still to be done."""
        if self.random_before_validation is not None:
            progress = checkpoint["loops"]["fit_loop"][_VALIDATION]
            for count in ("total", "current"):
                progress[count] = dict.fromkeys(progress[count], 0) | {"ready": 1, "started": 1}

    def state_dict(self) -> dict[str, Any]:
        return {
            "random": self.random_before_validation or random_state(),
            "history_bytes": self.history.length(),
            "latest": dict(self.latest),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state, self.latest = state, dict(state["latest"])

    def record(self) -> dict[str, Any]:
        """The last validation's scores, {"val/...": value}, whichever attempt at the run they are from."""
        return {"scores": dict(self.latest)}

    def _save(self, trainer: pl.Trainer) -> None:
        _raise_unless_finite(trainer.lightning_module)
        trainer.save_checkpoint(self.path)

    def _remember(self, number: int, _: Any) -> None:
        self.signal = number

    def _told(self, trainer: pl.Trainer) -> bool:
        """Whether any process of the run has had a signal; all of them have to save together."""
        if trainer.world_size == 1:
            return self.signal is not None
        return trainer.strategy.reduce_boolean_decision(self.signal is not None, all=False)

    def _leave_if_told(self, trainer: pl.Trainer) -> None:
        if self._told(trainer):
            leave(self.signal or SIGNALS[0], self._stop_listening())

    def _stop_listening(self) -> dict[int, Any]:
        previous_handlers, self.handlers = self.handlers, {}
        restore(previous_handlers)
        return previous_handlers

    def _sweep_up(self) -> None:
        """Remove what a process that was killed while saving had written so far."""
        for half in self.path.parent.glob(f".{self.path.stem}-*{self.path.suffix}"):
            half.unlink(missing_ok=True)


def _numbers(metrics: dict[str, torch.Tensor], prefix: str) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if name.startswith(prefix)}


def _raise_unless_finite(module: pl.LightningModule) -> None:
    """The checkpoint before stays the last one from which something can be learnt."""
    learnt = {name: value for name, value in module.named_parameters() if value.requires_grad}
    finite = torch.stack([torch.isfinite(value).all() for value in learnt.values()]).tolist()
    if bad := [name for name, is_finite in zip(learnt, finite, strict=True) if not is_finite]:
        raise FloatingPointError(f"weights are not finite in {bad[0]} ({len(bad)} in all); lower the learning rate")
