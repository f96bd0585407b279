"""A narrower student learns from a frozen dense teacher: on each photo, in another garment, both must agree.

No parser's maps are needed, and the inputs are those of the test: a real photo and another garment.
"""

from torch import Tensor, nn

from vtryon.data.sample import TryOnBatch
from vtryon.nn.frozen import Frozen
from vtryon.nn.tryon import TryOn
from vtryon.training.stage import Group, Stage


class Distill(Stage):
    """Output, feature and flow terms against the teacher; widths may differ everywhere."""

    def __init__(self, net, teacher: nn.Module, loss, optimizer, **kwargs):
        super().__init__(net, loss, optimizer, **kwargs)
        self.teacher = Frozen(teacher)
        self.loss.match(teacher.warp.pyramid_widths(), net.warp.pyramid_widths())

    def groups(self) -> list[Group]:
        return [Group([*self.net.parameters(), *self.loss.parameters()])]  # the loss holds adapters between widths

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        worn = (batch.person, batch.other_cloth, batch.other_edge)
        return self.loss(self.net(*worn), self.teacher(*worn))

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, TryOn]:
        return self._both(batch)

    def test_step(self, batch: TryOnBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, TryOn]:
        return self._both(batch)

    def _both(self, batch: TryOnBatch) -> dict[str, TryOn]:
        worn = (batch.person, batch.cloth, batch.cloth_edge)
        return {"try_on": self.net(*worn), "teacher": self.teacher(*worn)}
