"""Weights & Biases, offline unless told."""

import inspect
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from vtryon.callbacks.trackers.kept_id import keep_id, kept_id
from vtryon.callbacks.trackers.tracker import Model, Tracker

STEP = "trainer/global_step"


class WandbTracker(Tracker, WandbLogger):
    """A run of wandb; one that goes on after a stop keeps its id, and `wandb sync` joins its parts.

    Args:
        save_dir: the run's folder; what is logged goes to SAVE_DIR/wandb, the id to SAVE_DIR/trackers.json.
        offline: false mirrors the run to the account that `wandb login` knows.
        kwargs: for Lightning's WandbLogger and `wandb.init`: project, name, group, job_type, tags, notes, settings, ...
    """

    def __init__(self, save_dir: str | None = None, offline: bool = True, **kwargs: Any):
        if save_dir is not None and rank_zero_only.rank == 0:
            chosen = kwargs.get("id") or kwargs.get("version") or kept_id(save_dir, "wandb") or secrets.token_hex(4)
            kwargs |= {"id": keep_id(save_dir, "wandb", chosen), "version": None}
        super().__init__(save_dir=save_dir or ".", offline=offline, **kwargs)
        self._wandb_init.pop("anonymous", None)  # deprecated: wandb warns of the None that Lightning passes
        if offline:
            self._wandb_init.pop("resume", None)  # a matter of the service; offline wandb warns of it

    @classmethod
    def arguments(cls) -> set[str]:
        """The names that `kwargs` may have, of Lightning's logger and of `wandb.init`."""
        import wandb

        takers = (cls, WandbLogger, wandb.init)
        return {name for taker in takers for name in inspect.signature(taker).parameters} - {"kwargs"}

    def define_scores(self, directions: Mapping[str, str | None]) -> None:
        """The summary keeps the last value, and the best one where a direction says which that is."""
        for key, best in directions.items():
            self.experiment.define_metric(key, step_metric=STEP, summary=f"{best},last" if best else "last")

    def log_pictures(self, pictures: Mapping[str, Image.Image], step: int) -> None:
        import wandb

        self.experiment.log({key: wandb.Image(picture) for key, picture in pictures.items()} | {STEP: step})

    def log_table(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], step: int) -> None:
        import wandb

        table = wandb.Table(columns=list(columns), data=[list(row) for row in rows], allow_mixed_types=True)
        self.experiment.log({key: table, STEP: step})

    def log_summary(self, values: Mapping[str, float], step: int) -> None:
        self.experiment.summary.update(dict(values))

    def log_model(self, model: Model) -> None:
        from vtryon.callbacks.trackers.wandb_artifacts import log_model

        log_model(self.experiment, model)

    def finish(self, succeeded: bool) -> None:
        self.experiment.finish(exit_code=int(not succeeded))
