"""Stages 3 and 4: the tutor dresses the person in another garment; the student must put the real one back."""

import torch
from torch import Tensor, nn

from vtryon.data.parse import agnostic, on_top, unchanged
from vtryon.data.sample import TryOnBatch
from vtryon.models.afwm import Warp
from vtryon.models.frozen import Frozen
from vtryon.models.inference import quick
from vtryon.models.tryon import TryOn
from vtryon.training.schedule import second_half
from vtryon.training.stage import Group, Stage, target_of

FAKES = ("rendered", "photo_kept")

# what stage 3 cannot take over from the tutor, and trains alone at first
OWN = ("cond_", "aflow_net.netRefine")


class StudentWarp(Stage):
    """Stage 3: the warp alone, at first only the parts that the tutor could not hand down. The generator rests.

    Args:
        fake: what the student sees of the tutor's picture, as in `Student`.
    """

    def __init__(self, net, tutor: nn.Module, loss, optimizer, fake: str = "rendered", **kwargs):
        super().__init__(net, loss, optimizer, **kwargs)
        self.net.generator.requires_grad_(False)
        self.tutor, self.fake = Frozen(quick(tutor)), checked_fake(fake)

    def groups(self) -> list[Group]:
        new_parameters = [value for name, value in self.net.warp.named_parameters() if name.startswith(OWN)]
        inherited = [value for name, value in self.net.warp.named_parameters() if not name.startswith(OWN)]
        return [
            Group(new_parameters),
            Group(inherited, opens=second_half(self.trainer.max_epochs)),
        ]

    def on_train_epoch_start(self) -> None:
        if self.current_epoch == second_half(self.trainer.max_epochs):
            self.optimizers().state.clear()  # a fresh Adam once all parts learn, as released

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        fake, lesson = teach(self.tutor, batch, self.fake)
        warp = self.net.warp(fake.image, batch.cloth * batch.cloth_edge)
        return self.loss.of_warp(warp, lesson, batch.cloth, batch.cloth_edge, target_of(batch))

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, Warp]:
        fake, _ = teach(self.tutor, batch, self.fake)
        return {"warp": self.net.warp(fake.image, batch.cloth * batch.cloth_edge)}


class Student(Stage):
    """Stage 4: warp and generator together, the warp at a fifth of the rate.

    Args:
        fake: "rendered" gives the student the tutor's picture as it is; "photo_kept" puts the photo's own pixels where
            the garment changes nothing (`with_photo_kept`), so that the student may learn to keep them.
    """

    def __init__(self, net, tutor: nn.Module, loss, optimizer, fake: str = "rendered", **kwargs):
        super().__init__(net, loss, optimizer, **kwargs)
        self.tutor, self.fake = Frozen(quick(tutor)), checked_fake(fake)

    def groups(self) -> list[Group]:
        return [
            Group(list(self.net.warp.parameters()), rate=0.2),
            Group(list(self.net.generator.parameters())),
        ]

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        fake, lesson = teach(self.tutor, batch, self.fake)
        try_on = self.net(fake.image, batch.cloth, batch.cloth_edge)
        late = self.current_epoch >= second_half(self.trainer.max_epochs)
        target = target_of(batch)
        return self.loss(
            try_on,
            lesson,
            fake.warped_edge,
            batch.cloth,
            batch.cloth_edge,
            target,
            late=late,
        )

    def validation_step(self, batch: TryOnBatch, batch_idx: int) -> dict[str, TryOn]:
        fake, _ = teach(self.tutor, batch, self.fake)
        return {"try_on": self.net(fake.image, batch.cloth, batch.cloth_edge)}

    def test_step(self, batch: TryOnBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, TryOn]:
        return {"try_on": self.net(batch.person, batch.cloth, batch.cloth_edge)}


def teach(tutor: Frozen, batch: TryOnBatch, fake: str = "rendered") -> tuple[TryOn, Warp]:
    """The tutor's fake, which is the student's input, and its warp of the real garment, which is the lesson."""
    garments = (batch.cloth, batch.cloth_edge, batch.other_cloth, batch.other_edge)
    dressed, lesson = tutor(agnostic(batch), *garments, method="teach")
    return (dressed if fake == "rendered" else with_photo_kept(dressed, batch)), lesson


def with_photo_kept(fake: TryOn, batch: TryOnBatch) -> TryOn:
    """The tutor's fake with the photo's own pixels where neither the worn garment nor that of the fake lies.

    Face, hair and hands lie over the garment of the fake: what it hid there, a student could not learn to keep.
    """
    top = on_top(batch.parse, batch.densepose)
    edge = fake.warped_edge * (1 - top)
    keep = torch.maximum(unchanged(batch.parse) * (1 - edge), top)
    return fake._replace(image=fake.image + keep * (batch.person - fake.image), warped_edge=edge)


def checked_fake(fake: str) -> str:
    """
    Raises:
        ValueError: `fake` is none of `FAKES`.
    """
    if fake not in FAKES:
        raise ValueError(f"fake (={fake!r}) must be one of {', '.join(FAKES)}")
    return fake
