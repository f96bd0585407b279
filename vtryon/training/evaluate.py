"""A stage without training: released weights, a baseline, or a compressed network before any tuning is tested."""

import pytorch_lightning as pl
from torch import nn

from vtryon.data.sample import TryOnBatch
from vtryon.models.frozen import Frozen
from vtryon.models.tryon import TryOn
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
