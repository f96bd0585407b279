"""Tell the loggers what a run is: its config, where it comes from, and which way each score is better."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytorch_lightning as L

from vtryon.callbacks.directions import best
from vtryon.callbacks.wandb_logger import each_run

_REALISM = ("fid", "kid", "fd_efficientnet", "kid_efficientnet")
_SCORES = ("ssim", "psnr", "mse", "epe", "ssim_to_teacher", "mse_to_teacher", *_REALISM)
_OTHERS = (
    "train/total",
    "val/total",
    "speed/fit/samples_per_s",
    "speed/test/samples_per_s",
)


class Tracking(L.Callback):
    """Log config and record once, at the first stage of the run.

    Args:
        config: the resolved config, plain containers.
        record: what else the run must be found by: `provenance()`, config hash, dataset fingerprint.
        splits: whose scores get a best direction in the summary.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        record: Mapping[str, Any],
        splits: Iterable[str] = ("val", "unpaired", "paired"),
    ):
        self.hyperparameters = {**config, "record": dict(record)}
        self.keys = [
            *_OTHERS,
            *(f"{split}/{name}" for split in splits for name in _SCORES),
        ]
        self.told = False

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if self.told:
            return
        self.told = True
        for logger in trainer.loggers:
            logger.log_hyperparams(self.hyperparameters)
        each_run(trainer.loggers, self._define)

    def _define(self, run) -> None:
        for key in self.keys:
            run.define_metric(key, step_metric="trainer/global_step", summary=f"{best(key)},last")
