"""Stages 3 and 4: the tutor dresses the person in another garment; the student must put the real one back."""

from torch import Tensor, nn

from vtryon.data.parse import agnostic
from vtryon.data.sample import TryOnBatch
from vtryon.nn.afwm import Warp
from vtryon.nn.frozen import Frozen
from vtryon.nn.tryon import TryOn
from vtryon.training.schedule import second_half
from vtryon.training.stage import Group, Stage, target_of

# what stage 3 cannot take over from the tutor, and trains alone at first
OWN = ("cond_", "aflow_net.netRefine")


class StudentWarp(Stage):
    """Stage 3: the warp alone, at first only the parts that the tutor could not hand down. The generator rests."""

    def __init__(self, net, tutor: nn.Module, loss, optimizer, **kwargs):
        super().__init__(net, loss, optimizer, **kwargs)
        self.net.generator.requires_grad_(False)
        self.tutor = Frozen(tutor)

    def groups(self) -> list[Group]:
        own = [value for name, value in self.net.warp.named_parameters() if name.startswith(OWN)]
        inherited = [value for name, value in self.net.warp.named_parameters() if not name.startswith(OWN)]
        return [
            Group(own),
            Group(inherited, opens=second_half(self.trainer.max_epochs)),
        ]

    def on_train_epoch_start(self) -> None:
        if self.current_epoch == second_half(self.trainer.max_epochs):
            self.optimizers().state.clear()  # a fresh Adam once all parts learn, as released

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        fake, lesson = teach(self.tutor, batch)
        answer = self.net.warp(fake.image, batch.cloth * batch.cloth_edge)
        return self.loss.of_warp(answer, lesson, batch.cloth, batch.cloth_edge, target_of(batch))

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, Warp]:
        fake, _ = teach(self.tutor, batch)
        return {"warp": self.net.warp(fake.image, batch.cloth * batch.cloth_edge)}


class Student(Stage):
    """Stage 4: warp and generator together, the warp at a fifth of the rate."""

    def __init__(self, net, tutor: nn.Module, loss, optimizer, **kwargs):
        super().__init__(net, loss, optimizer, **kwargs)
        self.tutor = Frozen(tutor)

    def groups(self) -> list[Group]:
        return [
            Group(list(self.net.warp.parameters()), rate=0.2),
            Group(list(self.net.generator.parameters())),
        ]

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        fake, lesson = teach(self.tutor, batch)
        answer = self.net(fake.image, batch.cloth, batch.cloth_edge)
        late = self.current_epoch >= second_half(self.trainer.max_epochs)
        target = target_of(batch)
        return self.loss(
            answer,
            lesson,
            fake.warped_edge,
            batch.cloth,
            batch.cloth_edge,
            target,
            late=late,
        )

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, TryOn]:
        fake, _ = teach(self.tutor, batch)
        return {"try_on": self.net(fake.image, batch.cloth, batch.cloth_edge)}

    def test_step(self, batch: TryOnBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, TryOn]:
        return {"try_on": self.net(batch.person, batch.cloth, batch.cloth_edge)}


def teach(tutor: Frozen, batch: TryOnBatch) -> tuple[TryOn, Warp]:
    """The tutor's fake, which is the student's input, and its warp of the real garment, which is the lesson."""
    garments = (batch.cloth, batch.cloth_edge, batch.other_cloth, batch.other_edge)
    return tutor(agnostic(batch), *garments, method="teach")
