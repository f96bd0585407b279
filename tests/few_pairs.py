"""A data module in memory, for what asks only for test pairs."""

from collections.abc import Iterator

import vtryon  # noqa: F401  before Lightning, for its guard of torchvision

# isort: split
import numpy as np
import pytorch_lightning as L
import torch

from vtryon.data.sample import Raw, collate, finish

SIZE = (64, 64)


class FewPairs(L.LightningDataModule):
    """`count` pairs of noise, two a batch."""

    test_splits = ("unpaired",)

    def __init__(self, count: int = 3):
        super().__init__()
        self.count = count

    def setup(self, stage: str | None = None) -> None:
        pass

    def test_dataloader(self) -> list[Iterator[Raw]]:
        draw = np.random.default_rng(0)
        samples = [self._sample(draw, number) for number in range(self.count)]
        return [[collate(samples[start : start + 2]) for start in range(0, self.count, 2)]]

    @staticmethod
    def _sample(draw: np.random.Generator, number: int) -> Raw:
        person, cloth = draw.integers(0, 256, (2, 3, *SIZE), dtype=np.uint8)
        edge = (draw.random(SIZE) > 0.2).astype(np.uint8) * 255
        return Raw(f"{number:06d}_0", f"{number:06d}_1", person, cloth, edge, worn=False)


def seen(data: FewPairs) -> tuple[torch.Tensor, ...]:
    """What a network is asked of all pairs."""
    batches = [finish(raw) for raw in data.test_dataloader()[0]]
    return tuple(torch.cat([getattr(batch, part) for batch in batches]) for part in ("person", "cloth", "cloth_edge"))
