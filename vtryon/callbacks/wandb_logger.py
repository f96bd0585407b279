"""wandb beside a run, never in its way: offline unless told, and a failing wandb is dropped with a warning."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pytorch_lightning as L
from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.loggers.logger import DummyExperiment, rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn


def _guarded(method: Callable) -> Callable:
    @wraps(method)
    def attempt(self, *args, **kwargs):
        if self.failure is None:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:
                self.give_up(error)
        return None

    return attempt


class FailsafeWandbLogger(WandbLogger):
    """Lightning's WandbLogger, except that its first failure switches it off for the rest of the run.

    Local files hold everything that goes to wandb, so a dead service or a full disk costs a mirror, not the run.
    """

    def __init__(self, *, offline: bool = True, **kwargs: Any):
        self.failure: Exception | None = None
        super().__init__(offline=offline, **kwargs)
        self._wandb_init.pop("anonymous", None)  # deprecated: wandb warns of the None that Lightning passes

    def give_up(self, error: Exception) -> None:
        self.failure = error
        rank_zero_warn(f"wandb failed and is off for the rest of this run ({type(error).__name__}: {error})")

    @property
    @rank_zero_experiment
    def experiment(self):
        if self.failure is None:
            try:
                return super().experiment
            except Exception as error:
                self.give_up(error)
        return DummyExperiment()

    log_metrics = _guarded(WandbLogger.log_metrics)
    log_hyperparams = _guarded(WandbLogger.log_hyperparams)
    log_image = _guarded(WandbLogger.log_image)
    after_save_checkpoint = _guarded(WandbLogger.after_save_checkpoint)
    finalize = _guarded(WandbLogger.finalize)


@rank_zero_only
def each_run(loggers: Iterable[Logger], action: Callable[[Any], None]) -> None:
    """Do `action(run)` to the wandb run of every wandb logger; a failure warns and does not propagate."""
    for logger in loggers:
        if not isinstance(logger, WandbLogger) or getattr(logger, "failure", None):
            continue
        give_up = getattr(logger, "give_up", lambda error: rank_zero_warn(f"wandb failed: {error}"))
        try:
            run = logger.experiment
            if not getattr(logger, "failure", None):
                action(run)
        except Exception as error:
            give_up(error)


def summarise(trainer: L.Trainer, values: dict[str, Any]) -> None:
    """Put `values` into the summary of the run, where wandb's table of runs finds them."""
    each_run(trainer.loggers, lambda run: run.summary.update(values))


def finish(loggers: Iterable[Logger], exit_code: int = 0) -> None:
    """Close the wandb runs: without this the next run of the process would write into the same one."""
    each_run(loggers, lambda run: run.finish(exit_code=exit_code))
