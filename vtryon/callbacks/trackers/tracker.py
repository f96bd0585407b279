"""What a run tells a tracker beyond the numbers and the config that every Lightning logger takes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from pytorch_lightning.loggers import Logger
from pytorch_lightning.loggers.logger import DummyExperiment, rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn

LIGHTNINGS = ("log_metrics", "log_hyperparams", "log_graph", "save", "after_save_checkpoint", "finalize")
OURS = ("define_scores", "log_pictures", "log_table", "log_summary", "log_model", "finish")


class Model(NamedTuple):
    """A checkpoint and what it was made from.

    path: RUN/model.safetensors.
    fingerprint: of the data set.
    parents: role → checkpoint file: {"tutor": ..., "teacher": ...}.
    data_card: a small file that describes the data set, such as ROOT/synthetic.json; pictures are not uploaded.
    metadata: more to know about the model, such as its scores.
    """

    path: Path
    fingerprint: str
    parents: Mapping[str, Path] = {}
    data_card: Path | None = None
    metadata: Mapping[str, Any] = {}


class Tracker(Logger):
    """A Lightning logger with the methods below, each of which does nothing where the service has no place for it.

    Local files hold everything that goes to a tracker, so a dead service or a full disk must cost a mirror, not the
    run: the first failure of any method switches the tracker off with one warning. Of a data-parallel run the process
    that leads speaks alone. Subclasses need not care for either.
    """

    failure: Exception | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in (*LIGHTNINGS, *OURS):
            setattr(cls, name, _guarded(getattr(cls, name)))
        if isinstance(experiment := getattr(cls, "experiment", None), property):
            cls.experiment = property(_guarded_experiment(experiment.fget))

    def define_scores(self, directions: Mapping[str, str | None]) -> None:
        """Tell which end of a score is the better one: key → "max", "min", or None where nobody knows."""

    def log_pictures(self, pictures: Mapping[str, Image.Image], step: int) -> None:
        """Show pictures: key, such as "val/panel" → picture."""

    def log_table(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], step: int) -> None:
        """Show a table of numbers and words; None is an empty cell."""

    def log_summary(self, values: Mapping[str, float], step: int) -> None:
        """Tell numbers that a run has one of, such as "cost/gmacs"."""
        self.log_metrics(dict(values), step=step)

    def log_model(self, model: Model) -> None:
        """Tell which file the run has made, and from what."""

    def finish(self, succeeded: bool) -> None:
        """Write what is left and close; the next run of the process begins a record of its own."""

    def give_up(self, error: Exception) -> None:
        self.failure = error
        name = type(self).__module__.rpartition(".")[2]
        rank_zero_warn(f"{name} failed and is off for the rest of this run ({type(error).__name__}: {error})")


def trackers(loggers: Iterable[Logger]) -> list[Tracker]:
    """Those of a trainer's loggers that take pictures, tables, summaries and models."""
    return [logger for logger in loggers if isinstance(logger, Tracker)]


def finish(loggers: Iterable[Logger], succeeded: bool = True) -> None:
    """Close all trackers: without this the next run of the process would write into the same record."""
    for tracker in trackers(loggers):
        tracker.finish(succeeded)


def _guarded(method: Callable) -> Callable:
    if hasattr(method, "guards"):
        return method

    @rank_zero_only
    @wraps(method)
    def attempt(self, *args, **kwargs):
        if self.failure is None:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:
                self.give_up(error)
        return None

    attempt.guards = method
    return attempt


def _guarded_experiment(get: Callable) -> Callable:
    """The service's own object, or one that takes every call and does nothing."""

    @rank_zero_experiment
    def experiment(self):
        if self.failure is None:
            try:
                return get(self)
            except Exception as error:
                self.give_up(error)
        return DummyExperiment()

    return experiment
