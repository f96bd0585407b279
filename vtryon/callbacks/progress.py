"""The progress bar of a run: loss and score beside the speed."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar as LightningsBar

SCORE = "val/ssim"


class RichProgressBar(LightningsBar):
    """Lightning's bar with the loss of the last batch that was looked at, and the last validation's SSIM.

    It has the name of Lightning's, so that a run that was begun with that one goes on.
    """

    loss: float | None = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx % max(trainer.log_every_n_steps, 1) == 0:  # reading it waits for the device
            self.loss = float(outputs["loss"])
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Without the version number that a logger has."""
        shown = super().get_metrics(trainer, pl_module)
        shown.pop("v_num", None)
        if self.loss is not None and trainer.training:
            shown["loss"] = self.loss
        if SCORE in trainer.callback_metrics:
            shown["ssim"] = float(trainer.callback_metrics[SCORE])
        return shown
