"""How fast a run went and how much memory it took: samples/s of the fit and of the test, peak MiB."""

import time
from typing import Any

import pytorch_lightning as pl
import torch

from vtryon.callbacks.recorder import Recorder
from vtryon.callbacks.trackers.tracker import trackers
from vtryon.utils.memory import peak_rss_mib


class Throughput(Recorder):
    """Count samples against the clock from one batch's end to the next: loading counts, validation does not.

    The first batch of a stage warms caches up and starts workers, so it starts the clock and is not counted.
    """

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.clock: float | None = None
        self.samples, self.seconds = 0, 0.0

    def on_train_start(self, *_: Any) -> None:
        self._restart()

    def on_test_start(self, *_: Any) -> None:
        self._restart()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs,
        batch,
        batch_idx,
    ) -> None:
        self._count(len(batch.person_ids) * trainer.world_size)

    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs,
        batch,
        batch_idx,
        dataloader_idx: int = 0,
    ) -> None:
        self._count(len(batch.person_ids) * trainer.world_size)

    def on_validation_start(self, *_: Any) -> None:
        self._pause()

    def on_validation_end(self, *_: Any) -> None:
        if self.clock is not None:
            self.clock = time.perf_counter()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._report(trainer, pl_module, "fit")

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._report(trainer, pl_module, "test")

    def record(self) -> dict[str, Any]:
        """The row's `speed`: fit/samples_per_s, test/samples_per_s, peak_rss_mib, peak_gpu_mib, as far as measured."""
        return {"speed": dict(self.values)}

    def _restart(self) -> None:
        self.clock, self.samples, self.seconds = None, 0, 0.0

    def _pause(self) -> None:
        if self.clock is not None:
            self.seconds += time.perf_counter() - self.clock

    def _count(self, samples: int) -> None:
        current_time = time.perf_counter()
        if self.clock is not None:
            self.samples += samples
            self.seconds += current_time - self.clock
        self.clock = current_time

    def _report(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        if module.device.type == "cuda":
            torch.cuda.synchronize(module.device)
            self._count(0)
            self.values["peak_gpu_mib"] = torch.cuda.max_memory_allocated(module.device) / 2**20
        if peak := peak_rss_mib():
            self.values["peak_rss_mib"] = peak
        if self.samples:
            self.values[f"{stage}/samples_per_s"] = self.samples / self.seconds
        for tracker in trackers(trainer.loggers):
            tracker.log_summary({f"speed/{name}": value for name, value in self.values.items()}, trainer.global_step)
        module.print(self._sentence(stage))

    def _sentence(self, stage: str) -> str:
        speed = self.values.get(f"{stage}/samples_per_s")
        phrases = [f"{speed:.1f} samples/s" if speed else "too short to time (one batch)"]
        if "peak_rss_mib" in self.values:
            phrases.append(f"peak memory {self.values['peak_rss_mib']:.0f} MiB")
        if "peak_gpu_mib" in self.values:
            phrases.append(f"GPU {self.values['peak_gpu_mib']:.0f} MiB")
        return f"{stage}: " + ", ".join(phrases)
