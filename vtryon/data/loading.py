"""The order of training samples: shuffled anew each epoch, split over processes, resumable within an epoch."""

from collections.abc import Iterator
from itertools import islice

from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler


class EpochSampler(DistributedSampler):
    """Yields (epoch, index), so that workers that live through all epochs know the epoch of each sample.

    The order depends on seed and epoch alone. Being a DistributedSampler, Lightning leaves it in place and tells it the
    epoch; like it, it repeats a few samples when they do not divide by the number of processes.
    """

    def __init__(self, samples: Dataset, seed: int = 0, processes: int = 1, rank: int = 0):
        # DistributedSampler shuffles by seed + epoch: far apart, or seed 1 would start with epoch 1 of seed 0
        super().__init__(
            samples,
            num_replicas=processes,
            rank=rank,
            shuffle=True,
            seed=seed * 100_003,
        )
        self.skip = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; only the epoch that was interrupted starts in its middle."""
        self.skip = self.skip if epoch == self.epoch else 0
        super().set_epoch(epoch)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        skip, self.skip = self.skip, 0
        return islice(((self.epoch, index) for index in super().__iter__()), skip, None)


class TrainLoader(DataLoader):
    """A loader that goes on in the middle of an epoch, by the `state_dict` protocol that Lightning saves and restores.

    `__iter__` is a generator, so that workers start after Lightning has told the epoch, also when it resumes.
    """

    sampler: EpochSampler

    def __iter__(self) -> Iterator:
        self.handed_out = self.sampler.skip // self.batch_size
        for batch in super().__iter__():
            self.handed_out += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """The epoch, and how many of its batches were handed out."""
        return {"epoch": self.sampler.epoch, "batches": getattr(self, "handed_out", 0)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after those batches."""
        self.sampler.set_epoch(state["epoch"])
        self.sampler.skip = state["batches"] * self.batch_size
