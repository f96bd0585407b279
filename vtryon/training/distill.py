"""A smaller student learns from a frozen teacher: on each photo, in another garment, both must agree.

No parser's maps are needed, and the inputs are those of the test: a real photo and another garment.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from vtryon.data.sample import TryOnBatch
from vtryon.models.frozen import Frozen
from vtryon.models.tryon import TryOn
from vtryon.training.stage import Group, Stage


class Distill(Stage):
    """Output, feature and flow terms against the teacher; widths may differ everywhere.

    Args:
        teacher: what the student must come to.
        fixed: parts of the student that rest, such as ["warp"], statistics of their norms included.
    """

    def __init__(self, net, teacher: nn.Module, loss, optimizer, fixed: Sequence[str] = (), **kwargs):
        super().__init__(net, loss, optimizer, **kwargs)
        self.teacher, self.fixed = Frozen(teacher), tuple(fixed)
        self.reshaped()

    def reshaped(self) -> None:
        self.loss.match(self.teacher.net.warp.pyramid_widths(), self.net.warp.pyramid_widths())
        for name in self.fixed:
            self.net.get_submodule(name).requires_grad_(False)

    def on_train_start(self) -> None:
        for name in self.fixed:
            self.net.get_submodule(name).eval()

    def groups(self) -> list[Group]:
        parameters = [*self.net.parameters(), *self.loss.parameters()]  # the loss holds adapters between widths
        return [Group([parameter for parameter in parameters if parameter.requires_grad])]

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        worn = (batch.person, batch.other_cloth, batch.other_edge)
        return self.loss(self.net(*worn), self.teacher(*worn))

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, TryOn]:
        return beside(self.teacher, self.net, batch)

    def test_step(self, batch: TryOnBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, TryOn]:
        return beside(self.teacher, self.net, batch)


def beside(teacher: Frozen, net: nn.Module, batch: TryOnBatch) -> dict[str, TryOn]:
    """The try-ons of both networks for the same photo and garment."""
    worn = (batch.person, batch.cloth, batch.cloth_edge)
    return {"try_on": net(*worn), "teacher": teacher(*worn)}
