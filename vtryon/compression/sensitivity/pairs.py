"""The pairs of persons and garments that an analysis tries on."""

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
        """The inputs of a network for one pair."""
        return tuple(pictures[number : number + 1] for pictures in (self.person, self.cloth, self.cloth_edge))


def first_pairs(data: pl.LightningDataModule, count: int, split: str = "unpaired") -> Pairs:
    """The first `count` test pairs of `split`, or all of them where there are fewer.

    Raises:
        ValueError: there is no such split.
    """
    if split not in data.test_splits:
        raise ValueError(f"analysis.split (={split!r}) must be one of {', '.join(data.test_splits)}")
    data.setup("test")
    batches = []
    for raw in data.test_dataloader()[data.test_splits.index(split)]:
        batches.append(finish(raw))
        if sum(len(batch.person) for batch in batches) >= count:
            break
    names = [
        f"{person}-{cloth}"
        for batch in batches
        for person, cloth in zip(batch.person_ids, batch.cloth_ids, strict=True)
    ]
    pictures = (torch.cat([getattr(batch, field) for batch in batches])[:count] for field in Pairs._fields[1:])
    return Pairs(names[:count], *pictures)
