"""What the deployed network costs: parameters, GMACs and MiB in the row and in the summary of the run."""

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

from vtryon.callbacks.recorder import Recorder
from vtryon.callbacks.trackers.tracker import trackers
from vtryon.metrics.cost import cost


class CostRecord(Recorder):
    """Count `module.net` when a stage starts, so that pruning before it or quantization after it is seen.

    A fit is counted before the other callbacks set it up, since fake quantizers are no part of the deployed network; a
    test after that, since a network that is quantized for the test is what will be deployed.

    Args:
        size: (height, width) of the picture that the GMACs are counted at.
    """

    def __init__(self, size: Sequence[int]):
        self.size = tuple(size)
        self.cost: dict[str, float] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage != "test" or not self.cost:  # of a test without batches nothing starts
            self._count(trainer, pl_module.net)

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        with torch.inference_mode(False):  # in that mode the counter sees other operators
            self._count(trainer, pl_module.net)

    def record(self) -> dict[str, Any]:
        """The row's `cost`."""
        return {"cost": dict(self.cost)}

    def _count(self, trainer: pl.Trainer, net: nn.Module) -> None:
        self.cost = cost(net, self.size)
        for tracker in trackers(trainer.loggers):
            tracker.log_summary({f"cost/{name}": value for name, value in self.cost.items()}, trainer.global_step)
