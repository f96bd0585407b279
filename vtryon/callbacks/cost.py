"""What the deployed network costs: parameters, GMACs and MiB in the summary of the run."""

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as L

from vtryon.callbacks.wandb_logger import summarise
from vtryon.metrics.cost import cost


class CostRecord(L.Callback):
    """Count `module.net` when a stage starts, so that pruning before it or quantisation after it is seen.

    Args:
        size: (height, width) of the picture that the GMACs are counted at.
    """

    def __init__(self, size: Sequence[int]):
        self.size = tuple(size)
        self.cost: dict[str, float] = {}

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self.cost = cost(pl_module.net, self.size)
        summarise(trainer, {f"cost/{name}": value for name, value in self.cost.items()})

    def record(self) -> dict[str, float]:
        """Empty before a stage has started."""
        return dict(self.cost)

    def into_row(self, measured: dict[str, Any]) -> dict[str, Any]:
        """The row's `cost`."""
        return {"cost": self.record()}
