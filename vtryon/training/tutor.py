"""Stages 1 and 2: the tutor (PB-AFN) learns to put a garment back on the person it was taken from."""

from torch import Tensor

from vtryon.data.parse import agnostic
from vtryon.data.sample import TryOnBatch
from vtryon.models.afwm import Warp
from vtryon.models.tryon import TryOn
from vtryon.training.stage import Group, Stage, target_of


class TutorWarp(Stage):
    """Stage 1: the warp alone. The generator rests."""

    def __init__(self, net, loss, optimizer, **kwargs):
        super().__init__(net, loss, optimizer, **kwargs)
        self.net.generator.requires_grad_(False)

    def groups(self) -> list[Group]:
        return [Group(list(self.net.warp.parameters()))]

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        return self.loss.of_warp(self._warp(batch), batch.cloth, batch.cloth_edge, target_of(batch))

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, Warp]:
        return {"warp": self._warp(batch)}

    def _warp(self, batch: TryOnBatch) -> Warp:
        return self.net.warp(agnostic(batch).cond, batch.cloth * batch.cloth_edge)


class Tutor(Stage):
    """Stage 2: warp and generator together, the warp at a fifth of the rate."""

    def groups(self) -> list[Group]:
        return [
            Group(list(self.net.warp.parameters()), rate=0.2),
            Group(list(self.net.generator.parameters())),
        ]

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        target = target_of(batch)
        try_on = self.net(agnostic(batch), batch.cloth, batch.cloth_edge, worn=target.edge)
        return self.loss(try_on, batch.cloth, batch.cloth_edge, target)

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, TryOn]:
        return {"try_on": self.net(agnostic(batch), batch.cloth, batch.cloth_edge)}
