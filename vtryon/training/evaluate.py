"""A network that is only tested: released weights, a baseline, or what compression left, before any tuning."""

import pytorch_lightning as pl
from torch import nn

from vtryon.data.sample import TryOnBatch
from vtryon.nn.frozen import Frozen
from vtryon.nn.tryon import TryOn
from vtryon.training.distill import beside


class Evaluate(pl.LightningModule):
    """Nothing learns; the test is the student's, beside a teacher if there is one."""

    def __init__(self, net: nn.Module, teacher: nn.Module | None = None):
        super().__init__()
        self.net = net.eval().requires_grad_(False)
        self.teacher = None if teacher is None else Frozen(teacher)

    def test_step(self, batch: TryOnBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, TryOn]:
        if self.teacher is not None:
            return beside(self.teacher, self.net, batch)
        return {"try_on": self.net(batch.person, batch.cloth, batch.cloth_edge)}
