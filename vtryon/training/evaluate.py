"""A network that is only tested: released weights, a baseline, or the checkpoint of another run."""

import pytorch_lightning as pl
from torch import nn

from vtryon.data.sample import TryOnBatch
from vtryon.nn.frozen import Frozen
from vtryon.nn.tryon import TryOn


class Evaluate(pl.LightningModule):
    """Nothing learns; the test is the student's."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.frozen = Frozen(net)

    @property
    def net(self) -> nn.Module:
        return self.frozen.net

    def test_step(self, batch: TryOnBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, TryOn]:
        return {"try_on": self.frozen(batch.person, batch.cloth, batch.cloth_edge)}
