"""Score what a network returned, against the truth, the teacher, the true flow and real photographs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as L
from torch import nn

from vtryon.callbacks.distances import Distances
from vtryon.callbacks.samples import (
    SampleScores,
    averages,
    gather,
    judge,
    write_samples,
)
from vtryon.callbacks.splits import split_of
from vtryon.nn.features.efficientnet import EfficientNetLite0Pooled
from vtryon.nn.features.inception import InceptionPool3
from vtryon.nn.image import to_uint8

_UNPAIRED = "unpaired"
_REASONS = {
    "ssim": "the source has no true try-on of this split",
    "psnr": "the source has no true try-on of this split",
    "mse": "the source has no true try-on of this split",
    "epe": "the source has no true flow of this split",
}


class Scores(L.Callback):
    """Log SPLIT/ssim, psnr, mse and epe, and of the unpaired test also the distances to real photographs.

    The means are over samples, whatever the batches and the processes; RUN/samples.csv keeps the test's single rows.

    Args:
        folder: of the run.
        features: feature networks of the distances; one whose weights are missing leaves its columns empty.
    """

    def __init__(
        self,
        folder: str | Path,
        features: Sequence[Callable[[], nn.Module]] = (
            EfficientNetLite0Pooled,
            InceptionPool3,
        ),
    ):
        self.folder, self.features = Path(folder), tuple(features)
        self.rows: list[SampleScores] = []
        self.distances: Distances | None = None
        self.result: dict[str, Any] = {
            "scores": {},
            "protocol": {},
            "counts": {},
            "empty": {},
        }

    def on_validation_epoch_start(self, *_: Any) -> None:
        self.rows = []

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs,
        batch,
        batch_idx,
        dataloader_idx: int = 0,
    ) -> None:
        self.rows += judge(split_of(trainer, dataloader_idx), outputs, batch)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        _log(pl_module, averages(gather(self.rows)))

    def on_test_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.rows = []
        reference = trainer.datamodule.reference_images()
        self.distances = Distances(self.features, reference, pl_module.device)

    def on_test_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs,
        batch,
        batch_idx,
        dataloader_idx: int = 0,
    ) -> None:
        split = split_of(trainer, dataloader_idx)
        self.rows += judge(split, outputs, batch)
        if split == _UNPAIRED:
            self.distances.update(to_uint8(outputs["try_on"].image.detach().float()))

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        rows = gather(self.rows)
        scores = averages(rows)
        about = trainer.datamodule.protocol()
        distances, protocols = self.distances.compute(about)
        scores |= {f"{_UNPAIRED}/{name}": value for name, value in distances.items()}
        _log(pl_module, scores)
        splits = trainer.datamodule.test_splits
        empty = {f"{split}/{name}": why for split in splits for name, why in _REASONS.items()}
        empty |= {f"{_UNPAIRED}/{name}": why for name, why in self.distances.empty.items()}
        empty = {key: why for key, why in empty.items() if key not in scores}
        self.result = {
            "scores": scores | dict.fromkeys(empty),
            "protocol": {**about, "distances": protocols},
            "counts": {split: sum(row.split == split for row in rows) for split in splits},
            "empty": empty,
        }
        if trainer.is_global_zero:
            write_samples(self.folder / "samples.csv", rows)

    def record(self) -> dict[str, Any]:
        """What the row needs of the last test, JSON all through.

        scores: key → value, None where the column is empty; protocol: what they must be quoted with;
        counts: samples of each split; empty: key → why it is None.
        """
        return dict(self.result)

    def into_row(self, measured: dict[str, Any]) -> dict[str, Any]:
        """What `record` says, beside the scores that are there already."""
        record = self.record()
        return record | {"scores": measured["scores"] | record.get("scores", {})}


def _log(module: L.LightningModule, scores: dict[str, float]) -> None:
    module.log_dict(scores, on_step=False, on_epoch=True, sync_dist=True, batch_size=1)
