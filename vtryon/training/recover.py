"""A compressed network is tuned by the task it was made for, and, if asked, by the network it was made from."""

from torch import Tensor, nn

from vtryon.data.sample import TryOnBatch
from vtryon.models.frozen import Frozen
from vtryon.models.inference import quick
from vtryon.models.tryon import TryOn
from vtryon.training.distill import beside
from vtryon.training.stage import Group, Stage, target_of
from vtryon.training.student import checked_fake, teach


class Recover(Stage):
    """Stage 4 once more, for a network that has lost channels or bits; it is judged beside its teacher.

    Args:
        tutor: dresses the person in the garment that the student has to take off again.
        teacher: the network before it was compressed.
        fake: what the student sees of the tutor's picture, as in `vtryon.training.student.Student`.
        lesson: what of the teacher's answer to the same fake is taught (a `DistillLoss`); None leaves the task alone.
    """

    def __init__(
        self, net, tutor: nn.Module, teacher: nn.Module, loss, optimizer, lesson=None, fake="rendered", **kwargs
    ):
        super().__init__(net, loss, optimizer, **kwargs)
        self.tutor, self.teacher, self.lesson = Frozen(quick(tutor)), Frozen(teacher), lesson
        self.fake = checked_fake(fake)
        self.reshaped()

    def reshaped(self) -> None:
        if self.lesson is not None:
            self.lesson.match(self.teacher.net.warp.pyramid_widths(), self.net.warp.pyramid_widths())

    def groups(self) -> list[Group]:
        adapters = list(self.lesson.parameters()) if self.lesson is not None else []
        return [Group([*self.net.parameters(), *adapters])]

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        fake, taught = teach(self.tutor, batch, self.fake)
        target = target_of(batch)
        try_on = self.net(fake.image, batch.cloth, batch.cloth_edge)
        # `late`, as the student ended: what it has learnt of bared skin is not to be lost again
        terms = self.loss(try_on, taught, fake.warped_edge, batch.cloth, batch.cloth_edge, target, late=True)
        if self.lesson is None:
            return terms
        learnt = self.lesson(try_on, self.teacher(fake.image, batch.cloth, batch.cloth_edge), target.cloth)
        total = terms["total"] + learnt["total"]
        return (
            terms | {f"teacher_{name}": value for name, value in learnt.items() if name != "total"} | {"total": total}
        )

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, TryOn]:
        return beside(self.teacher, self.net, batch)

    def test_step(self, batch: TryOnBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, TryOn]:
        return beside(self.teacher, self.net, batch)
