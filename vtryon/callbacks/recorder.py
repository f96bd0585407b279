"""A run's row takes from its callbacks the records of `Recorder`s, and every score that was logged in the test."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_warn

from vtryon.metrics.registry import VALIDATION, unregistered


class Recorder(pl.Callback, ABC):
    """A callback that has something for the row of its run."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """Groups of the row, such as {"cost": {"gmacs": 1.2}}; JSON all through, empty before anything is measured."""


def collected(trainer: pl.Trainer, measured: Mapping[str, Any]) -> dict[str, Any]:
    """`measured`, the groups of all recorders, and the scores that nothing but the logger has so far.

    A number belongs to one recorder, so the order of the callbacks does not matter. What the run has measured itself
    counts before a recorder's number, and a recorder's before a logged one.

    Raises:
        ValueError: two recorders have different numbers under one key.
    """
    row: dict[str, Any] = {}
    for callback in trainer.callbacks:
        if isinstance(callback, Recorder):
            for group, record in callback.record().items():
                _raise_on_clash(group, row.get(group), record, type(callback).__name__)
                row[group] = _joined(row.get(group), record)
    for group, record in measured.items():
        row[group] = _joined(row.get(group), record)
    row["scores"] = logged_scores(trainer) | row.get("scores", {})
    if warning := unregistered(row["scores"]):
        rank_zero_warn(warning)
    return row


def _joined(earlier: Any, later: Any) -> Any:
    return earlier | later if isinstance(earlier, dict) else later


def _raise_on_clash(group: str, earlier: Any, later: Any, recorder: str) -> None:
    if earlier is None:
        return
    keys = [""] if not isinstance(later, dict) else [key for key in later if key in earlier]
    for key in keys:
        if not key or earlier[key] != later[key]:
            raise ValueError(
                f"{recorder} records {group}{f'.{key}' if key else ''}, which another callback has recorded with "
                "another value; give one of them a key of its own"
            )


def logged_scores(trainer: pl.Trainer) -> dict[str, float]:
    """SPLIT/NAME of all that the test logged, by the module or by a callback; "test" stands for a split nobody named.

    Lightning marks what a `test_step` logs by its loader, NAME/dataloader_idx_0; here that becomes the loader's split.
    """
    splits = getattr(trainer.datamodule, "test_splits", ())
    if trainer.state.fn != TrainerFn.TESTING:
        return {}
    scores = {}
    for key, number in trainer.callback_metrics.items():
        name, _, loader = key.partition("/dataloader_idx_")
        if name.partition("/")[0] not in splits:
            name = f"{splits[int(loader)] if loader else splits[0] if len(splits) == 1 else 'test'}/{name}"
        scores[name] = float(number)
    return scores


def split_of(trainer: pl.Trainer, dataloader_idx: int) -> str:
    """The split of a batch in an evaluation loop: "val", or in the test what the datamodule calls its loader.

    Raises:
        ValueError: the datamodule has no name for this loader.
    """
    if not trainer.testing:
        return VALIDATION
    splits = getattr(trainer.datamodule, "test_splits", None)
    if splits is None or dataloader_idx >= len(splits):
        raise ValueError(
            f"test loader {dataloader_idx} has no name: the datamodule's test_splits is {splits!r}; "
            "name one split for each loader, such as ('unpaired', 'paired')"
        )
    return splits[dataloader_idx]
