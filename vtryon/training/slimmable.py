"""One training for every width: the sandwich rule, with in-place distillation (Yu and Huang, ICCV 2019).

In each step the widest network, the narrowest, and some drawn at random learn from the same batch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vtryon.compression.supernet.network import Supernet, sorted_by_importance
from vtryon.compression.supernet.widths import Choice, WidthSpace
from vtryon.data.files.fingerprint import alike
from vtryon.data.sample import TryOnBatch
from vtryon.models.tryon import TryOn
from vtryon.training.distill import Distill

BLENDED = ("image", "rendered", "mask")  # of a try-on


class Slimmable(Distill):
    """Every width of `space` learns at once; `RUN/model.safetensors` is the widest, and knows the space.

    All networks learn from the frozen dense teacher: pictures, masks and flows, and of its features those channels that
    a network has. Of the pictures, a share of the lesson comes from the widest network, in place.

    Args:
        net: starts as the teacher; its channels are sorted by importance here.
        space: lists of widths, as `WidthSpace` takes them; the last of each are those of `net`.
        drawn: networks drawn at random in each step.
        widest_every: steps from one in which the widest network learns to the next; 1 is the sandwich rule.
        from_widest: the share of the widest network's pictures in the lesson of the others, in its own steps; the rest
            is the teacher's.
    """

    def __init__(
        self,
        net,
        teacher: nn.Module,
        loss,
        optimizer,
        space: Mapping[str, Any],
        drawn: int = 2,
        widest_every: int = 4,
        from_widest: float = 0.0,
        fixed: Sequence[str] = (),
        **kwargs,
    ):
        for name, value in {"drawn": drawn, "widest_every": widest_every}.items():
            if value < 1:
                raise ValueError(f"{name} (={value}) must be a whole number of at least 1")
        if not 0 <= from_widest <= 1:
            raise ValueError(
                f"from_widest (={from_widest}) must be in [0, 1]: the widest network's share of the lesson"
            )
        widths = WidthSpace(**space)
        in_order, self.orders = sorted_by_importance(net)
        super().__init__(in_order, teacher, loss, optimizer, fixed, **kwargs)
        self.supernet, self.drawn = Supernet(self.net, widths), drawn
        self.widest_every, self.from_widest = widest_every, from_widest
        self.net.held_widths = widths.as_dict()

    def check_data(self, name: str) -> None:
        """A supernet starts as its teacher, so both have to know the same people."""
        known = (self.teacher.net.trained_on or {}).get("name")
        if not alike(known, name):
            raise ValueError(
                f"the teacher has learnt from {known}, and data.root holds {name}; give "
                "parents.teacher=FILE of one that has learnt from such people"
            )

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        worn = (batch.person, batch.other_cloth, batch.other_edge)
        lesson = self.teacher(*worn)
        features = tuple(level[:, order] for level, order in zip(lesson.person_features, self.orders, strict=True))
        losses = []
        if self.global_step % self.widest_every == 0:
            widest = self.net(*worn)
            losses.append(self.loss(widest, lesson._replace(person_features=features)))
            lesson = _blended(lesson, widest, self.from_widest) if self.from_widest else lesson
        for choice in self._choices():
            of_its_channels = tuple(level[:, : choice.fpn_channels] for level in features)
            narrow = self.supernet(choice, *worn)
            losses.append(self.loss(narrow, lesson._replace(person_features=of_its_channels)))
        return {name: sum(terms[name] for terms in losses) / len(losses) for name in losses[0]}

    def _choices(self) -> list[Choice]:
        """The narrowest network and some at random: from torch's random state, which a resumed training continues."""
        space = self.supernet.space
        return [space.narrowest(), *(space.draw() for _ in range(self.drawn))]


def _blended(lesson: TryOn, widest: TryOn, share: float) -> TryOn:
    """The lesson with a share of the widest network's pictures and mask."""
    blend = {name: torch.lerp(getattr(lesson, name), getattr(widest, name).detach(), share) for name in BLENDED}
    return lesson._replace(**blend)
