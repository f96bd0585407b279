"""Compress the network of a stage before its fit, with the stage's own loss at hand."""

from collections.abc import Iterator
from itertools import islice

import pytorch_lightning as pl
from torch import Tensor, nn

from vtryon.compression.method import CompressionMethod
from vtryon.config.words import ConfigError
from vtryon.data.sample import TryOnBatch, finish
from vtryon.training.distill import Distill
from vtryon.training.stage import Stage


def compress(
    stage: pl.LightningModule, method: CompressionMethod, data: pl.LightningDataModule, batches: int = 8
) -> None:
    """Give the stage the network that `method` makes of its own before the fit.

    Args:
        batches: how many training batches there are for an importance that reads gradients.

    Raises:
        ConfigError: gradients are asked for and the stage has none that could rank anything.
    """

    def loss(net: nn.Module, batch: TryOnBatch) -> Tensor:
        if not isinstance(stage, Stage) or isinstance(stage, Distill):
            raise ConfigError(
                "compression.importance reads gradients: without tuning there is no loss, and compared with the "
                "teacher that it still is, a network has none but rounding errors'; take training=by_task or by_both"
            )
        stage.net = net
        return stage.terms(batch)["total"]

    net = stage.net
    stage.net = method(net, _Batches(data, batches), loss)
    if stage.net is not net and isinstance(stage, Stage):
        stage.reshaped()


class _Batches:
    """The first training batches, and those held out for validation, each read when they are first asked for."""

    def __init__(self, data: pl.LightningDataModule, count: int):
        self.data, self.count = data, count
        self.batches: list[TryOnBatch] | None = None

    def __iter__(self) -> Iterator[TryOnBatch]:
        if self.batches is None:
            self.data.setup("fit")
            self.batches = [finish(raw) for raw in islice(self.data.train_dataloader(), self.count)]
        return iter(self.batches)

    @property
    def held_out(self) -> Iterator[TryOnBatch]:
        self.data.setup("fit")
        return map(finish, self.data.val_dataloader())
