"""Tell the loggers what a run is: its config, where it comes from, and which way each score is better."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl

from vtryon.callbacks.recorder import logged_scores
from vtryon.callbacks.trackers.tracker import trackers
from vtryon.metrics.registry import VALIDATION, direction, summary_keys


class Tracking(pl.Callback):
    """Log config and record once, at the first stage of the run, and give every score its direction.

    Args:
        config: the resolved config, plain containers.
        record: what else finds the run again: `provenance()`, config hash, dataset fingerprint.
    """

    def __init__(self, config: Mapping[str, Any], record: Mapping[str, Any]):
        self.hyperparameters = {**config, "record": dict(record)}
        self.is_logged = False

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if self.is_logged:
            return
        self.is_logged = True
        for logger in trainer.loggers:
            logger.log_hyperparams(self.hyperparameters)
        keys = summary_keys((VALIDATION, *getattr(trainer.datamodule, "test_splits", ())))
        for tracker in trackers(trainer.loggers):
            tracker.define_scores({key: direction(key) for key in keys})

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log what the module logged by loader, such as "score/dataloader_idx_0", by its split as well."""
        by_split = {key: score for key, score in logged_scores(trainer).items() if key not in trainer.callback_metrics}
        for tracker in trackers(trainer.loggers) if by_split else ():
            tracker.define_scores({key: direction(key) for key in by_split})
            tracker.log_metrics(by_split, step=trainer.global_step)
