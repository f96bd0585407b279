"""The pairs that an analysis asks about, and the measures of how far an answer is from the unpruned one."""

from typing import NamedTuple

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from torch import Tensor

from vtryon.data.sample import finish


class Pairs(NamedTuple):
    """n persons, and the garment that each shall wear."""

    names: list[str]  # PERSON-CLOTH
    person: Float[Tensor, "n 3 h w"]  # [-1, 1]
    cloth: Float[Tensor, "n 3 h w"]  # [-1, 1]
    cloth_edge: Float[Tensor, "n 1 h w"]  # 0 or 1

    def __len__(self) -> int:  # of a tuple it would be the fields
        return len(self.names)

    def one(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """What a network is asked of one pair."""
        return tuple(whole[number : number + 1] for whole in (self.person, self.cloth, self.cloth_edge))


def first_pairs(data: pl.LightningDataModule, count: int, split: str = "unpaired") -> Pairs:
    """The first `count` test pairs of `split`, or all of them where there are fewer.

    Raises:
        ValueError: there is no such split.
    """
    if split not in data.test_splits:
        raise ValueError(f"analysis.split (={split!r}) must be one of {', '.join(data.test_splits)}")
    data.setup("test")
    found = []
    for raw in data.test_dataloader()[data.test_splits.index(split)]:
        found.append(finish(raw))
        if sum(len(batch.person) for batch in found) >= count:
            break
    names = [
        f"{person}-{cloth}" for batch in found for person, cloth in zip(batch.person_ids, batch.cloth_ids, strict=True)
    ]
    pictures = (torch.cat([getattr(batch, part) for batch in found])[:count] for part in Pairs._fields[1:])
    return Pairs(names[:count], *pictures)


def levels(image: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """[-1, 1] on the 8-bit scale, clamped and not rounded: an effect of a tenth of a step is still one."""
    return (image.clamp(-1, 1) + 1) * 127.5
