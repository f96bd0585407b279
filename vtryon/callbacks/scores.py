"""Score what a network returned, against the truth, the teacher, the true flow, the photo and real photographs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import nn

from vtryon.callbacks.distances import Distances
from vtryon.callbacks.recorder import Recorder, split_of
from vtryon.callbacks.samples import SampleScores, averages, gather, judge, left_out, sample_table, write_samples
from vtryon.callbacks.trackers.tracker import trackers
from vtryon.data.protocols import protocol_name
from vtryon.metrics.registry import MISSING, PAIRED, UNPAIRED, Metric, sample_metrics
from vtryon.models.features.alexnet import AlexNetLPIPS
from vtryon.models.features.efficientnet import EfficientNetLite0Pooled
from vtryon.models.features.inception import InceptionPool3
from vtryon.models.features.pretrained import WeightsNotFoundError
from vtryon.utils.image import to_uint8


class Scores(Recorder):
    """Log SPLIT/NAME for every metric of the registry that a split has, and the unpaired test's distances.

    Means are over samples, whatever the batches and the processes; RUN/samples.csv and a table of the trackers keep the
    scores of the test's single samples. Distances compare all try-ons of the unpaired test with real photographs.

    Args:
        folder: of the run.
        features: feature networks of the distances; one whose weights are missing leaves its columns empty.
        lpips: network of the learned distance to the truth, likewise; the test asks it, validation does not.
    """

    def __init__(
        self,
        folder: str | Path,
        features: Sequence[Callable[[], nn.Module]] = (EfficientNetLite0Pooled, InceptionPool3),
        lpips: Callable[[], nn.Module] = AlexNetLPIPS,
    ):
        self.folder, self.features, self.build_lpips = Path(folder), tuple(features), lpips
        self.samples: list[SampleScores] = []
        self.distances: Distances | None = None
        self.lpips: nn.Module | None = None
        self.no_lpips = ""  # which file is missing
        self.size: tuple[int, int] | None = None  # of the pictures judged
        self.result: dict[str, Any] = {"scores": {}, "protocol": {}, "counts": {}, "left_out": {}, "empty": {}}

    def on_validation_epoch_start(self, *_: Any) -> None:
        self.samples = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs,
        batch,
        batch_idx,
        dataloader_idx: int = 0,
    ) -> None:
        self.samples += judge(split_of(trainer, dataloader_idx), outputs, batch)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        _log(pl_module, averages(gather(self.samples)))

    def on_test_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.samples = []
        reference = trainer.datamodule.reference_images()
        self.distances = Distances(self.features, reference, pl_module.device)
        try:
            self.lpips = self.build_lpips().to(pl_module.device)
        except WeightsNotFoundError as error:
            self.no_lpips = str(error)

    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs,
        batch,
        batch_idx,
        dataloader_idx: int = 0,
    ) -> None:
        split = split_of(trainer, dataloader_idx)
        self.size = tuple(batch.person.shape[2:])
        self.samples += judge(split, outputs, batch, self.lpips)
        if split == UNPAIRED:
            self.distances.update(to_uint8(outputs["try_on"].image.detach().float()))

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        data, samples = trainer.datamodule, gather(self.samples)
        scores, protocol = averages(samples), data.protocol()
        incomplete = left_out(samples, scores)
        distances, protocols = self.distances.compute(protocol)
        scores |= {f"{UNPAIRED}/{name}": distance for name, distance in distances.items()}
        _log(pl_module, scores)
        empty = self._reasons(data.test_splits, scores)
        counts = {split: sum(sample.split == split for sample in samples) for split in data.test_splits}
        if self.lpips is not None:
            protocols["lpips"] = {
                "features": self.lpips.name,
                "weights_sha256": self.lpips.weights_sha256,
                "preprocessing": self.lpips.preprocessing,
            }
        self.result = {
            "scores": scores | dict.fromkeys(empty),
            "protocol": {"name": self._protocol_name(data, counts), **protocol, "distances": protocols},
            "counts": counts,
            "left_out": incomplete,
            "empty": empty,
        }
        if trainer.is_global_zero:
            write_samples(self.folder / "samples.csv", samples)
            for tracker in trackers(trainer.loggers):
                tracker.log_table("samples", *sample_table(samples), step=trainer.global_step)

    def record(self) -> dict[str, Any]:
        """The row's groups of the last test.

        scores: key → value, None where the column is empty; protocol: what they must be quoted with;
        counts: samples of each split; left_out: key → how many of them its mean is without; empty: key → why it is
        None.
        """
        return dict(self.result)

    def _reasons(self, splits: Sequence[str], scores: dict[str, float]) -> dict[str, str]:
        """Why each score that is missing is missing, by its key."""
        reasons: dict[str, str] = {}
        for split in splits:
            available = {"image"}  # what the metrics of this split could read
            for metric in sample_metrics(split):
                if f"{split}/{metric.name}" in scores:
                    available.update(metric.needs)
            for metric in sample_metrics(split):
                reason = self._reason(metric, available)
                if reason is not None:
                    reasons[f"{split}/{metric.name}"] = reason
        reasons |= {f"{UNPAIRED}/{name}": reason for name, reason in self.distances.empty.items()}
        return {key: reason for key, reason in reasons.items() if key not in scores}

    def _reason(self, metric: Metric, available: set[str]) -> str | None:
        """Why a split has no such score; None where its column is left out, as what it needs is no part of the run."""
        for need in metric.needs:
            if need not in available:
                return self.no_lpips if need == "lpips" else MISSING.get(need)
        return metric.empty

    def _protocol_name(self, data: pl.LightningDataModule, counts: dict[str, int]) -> str:
        """Persons of the training set, which a run may be tested on as well, are no matter of the protocol."""
        lists = {split: data.pairs(split) for split in data.test_splits if split in (UNPAIRED, PAIRED)}
        return protocol_name(lists, data.root, self.size, counts)


def _log(module: pl.LightningModule, scores: dict[str, float]) -> None:
    module.log_dict(scores, on_step=False, on_epoch=True, sync_dist=True, batch_size=1)
