"""Pruning while the network learns: iterative with a few steps and tuning between them, gradual with many."""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
from torch import Tensor, nn

from vtryon.compression.method import CompressionMethod
from vtryon.compression.pruning import Pruning
from vtryon.models.architecture import widths


class GradualPruning(CompressionMethod):
    """Prune the stage's network in `steps` equal steps over the first part of the training.

    Each step starts with a fresh optimiser state, as the weights are new ones. An importance that reads gradients
    takes them from the batch at hand.

    Args:
        until: share of the training by which the last step is taken, in (0, 1]; the rest is tuning.
        kwargs: arguments of `Pruning`, `steps` among them.
    """

    def __init__(self, until: float = 0.5, **kwargs: Any):
        if not 0 < until <= 1:
            raise ValueError(f"until (={until}) must be in (0, 1]: the share of the training in which channels go")
        self.until, self.pruning = until, Pruning(**kwargs)
        self.done, self.start = 0, None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage == "test" and self.done < self.pruning.steps:
            raise ValueError(
                f"the network has lost channels in {self.done} of {self.pruning.steps} steps, as nothing trained it; "
                "take compression=prune, which needs no training"
            )
        if trainer.world_size > 1:
            raise ValueError(
                f"trainer.devices (={trainer.world_size}): data-parallel training cannot follow a network that changes "
                "shape; prune before the fit (compression=prune) or train on one device"
            )

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch, batch_idx: int) -> None:
        self.start = self.start or widths(pl_module.net)
        due = self._due(trainer.global_step, trainer.estimated_stepping_batches)
        while self.done < due:
            self.pruning.step(pl_module.net, self.done + 1, self.start, [batch], _loss_of(pl_module))
            self.done += 1
            pl_module.reshaped()
            _point_at(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done, "start": self.start}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done, self.start = state["done"], state["start"]

    def _due(self, step: int, total: float) -> int:
        """How many steps have to be taken before training step `step` of `total`, counted from 0; the first at once."""
        every = self.until * total / self.pruning.steps
        return min(int(step / every) + 1, self.pruning.steps)


def _loss_of(stage: pl.LightningModule) -> Callable[[nn.Module, Any], Tensor]:
    return lambda net, batch: stage.terms(batch)["total"]


def _point_at(trainer: pl.Trainer, stage: pl.LightningModule) -> None:
    """Let the optimiser and its schedule go on with the parameters that are left."""
    (optimizer,) = trainer.optimizers
    for built, group in zip(optimizer.param_groups, stage.groups(), strict=True):
        built["params"] = group.parameters
    optimizer.state.clear()
