"""Loaders of a VITON folder: training, held-out training samples, and the unpaired and the paired test."""

import hashlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import pytorch_lightning as L
import torch
from torch.utils.data import DataLoader

from vtryon.data.files import TEST, check_whole, listing, partner
from vtryon.data.fingerprint import fingerprint
from vtryon.data.loading import EpochSampler, TrainLoader
from vtryon.data.pairs import Pairs, find_pairs
from vtryon.data.sample import Raw, TryOnBatch, collate, finish
from vtryon.data.skipping import usable
from vtryon.data.viton import Record, VitonSet, match_test, match_training, training_matcher

ON_BAD = ("stop", "skip")


class VitonDataModule(L.LightningDataModule):
    """Batches arrive in the steps as `TryOnBatch`; loaders hand out `Raw`, which `finish` converts on the device.

    Args:
        root: folder with VITON_traindata, VITON_test or both.
        size: (h, w) of all pictures, divisible by 32; files of another size are resized.
        batch_size: samples a step and process; the last batch may be smaller.
        workers: processes that read files; 0 reads in the training process.
        val_size: training samples held out for validation, 0 or at least 2; the same ones whatever the seed.
        seen_size: training photos that the test shows as well, each in another's garment (split "seen"): what a
            network makes of persons that it has learnt from. 0 leaves the split out.
        seed: of the order of training samples and of the other garments drawn.
        train_pairs: pair list of the training set, such as VITON-Clean's; None takes each person of train_img.
        test_pairs: unpaired list; None takes VITON_test/test_pairs.txt.
        test_pairs_same: paired list; None takes VITON_test/test_pairs_same.txt, or each test person whose own garment
            is there.
        on_bad: what a training sample does whose files are broken or missing: "stop" ends the run with the path, "skip"
            leaves it out and counts it (`skipped`). A test always stops: its score is of all its pairs or of none.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        size: Sequence[int] = (256, 192),
        batch_size: int = 4,
        workers: int = 0,
        val_size: int = 32,
        seen_size: int = 0,
        seed: int = 0,
        train_pairs: str | os.PathLike | None = None,
        test_pairs: str | os.PathLike | None = None,
        test_pairs_same: str | os.PathLike | None = None,
        on_bad: str = "stop",
    ):
        super().__init__()
        _check_arguments(size, batch_size, workers, val_size, seen_size)
        if on_bad not in ON_BAD:
            raise ValueError(f"on_bad (={on_bad!r}) must be one of {', '.join(ON_BAD)}")
        self.root, self.size = Path(root), tuple(size)
        self.batch_size, self.workers, self.val_size, self.seed = batch_size, workers, val_size, seed
        self.seen_size, self.test_splits = seen_size, ("unpaired", "paired", *(["seen"] if seen_size else []))
        self.lists = {"train": train_pairs, "unpaired": test_pairs, "paired": test_pairs_same}
        self.on_bad, self.skipped, self._usable = on_bad, [], None
        self.train_set = self.val_set = None
        self.test_sets: list[VitonSet] = []
        # how many workers is this class's argument, so Lightning's advice on it is no news
        warnings.filterwarnings("ignore", message=r".*does not have many workers")

    def setup(self, stage: str | None = None) -> None:
        """Match the files and look at both ends of each, so that a broken one stops a run before its first step."""
        new = []
        if stage in (None, "fit", "validate") and self.train_set is None:
            self.train_set, self.val_set = self._training_sets()
            new += [self.train_set, self.val_set]
        if stage in (None, "test", "predict") and not self.test_sets:
            self.test_sets = [
                VitonSet(
                    self._seen() if split == "seen" else match_test(self.root, self.pairs(split), split == "paired"),
                    self.size,
                )
                for split in self.test_splits
            ]
            new += self.test_sets
        for path in dict.fromkeys(path for samples in new for path in samples.files()):
            check_whole(path)

    def train_dataloader(self) -> TrainLoader:
        """Shuffled, the same for one seed and epoch whatever the workers; resumes in the middle of an epoch."""
        world = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        return TrainLoader(
            self.train_set,
            sampler=EpochSampler(self.train_set, self.seed, *world),
            **self._how(),
        )

    def val_dataloader(self) -> DataLoader | list:
        """The held-out training samples, with all that training samples have."""
        return DataLoader(self.val_set, **self._how()) if self.val_size else []

    def test_dataloader(self) -> list[DataLoader]:
        """One loader a split, in the order of `test_splits`."""
        return [DataLoader(samples, **self._how()) for samples in self.test_sets]

    def on_after_batch_transfer(self, batch: Raw, dataloader_idx: int = 0) -> TryOnBatch:
        """Lightning's hook: the batch is on the device now."""
        return finish(batch)

    def pairs(self, split: str) -> Pairs:
        """The pairs of "train" (held-out ones included), "unpaired" or "paired"."""
        return find_pairs(self.root, split, self.lists[split])

    def reference_images(self) -> list[Path]:
        """The real photos that generated ones are compared with: the persons of the unpaired list, each once."""
        folder = self.root / TEST / "test_img"
        photos = listing(folder)
        return [
            Path(partner(photos, folder, person)) for person in sorted({who for who, _ in self.pairs("unpaired").ids})
        ]

    def protocol(self, split: str = "unpaired") -> dict[str, str | int]:
        """What a realism score must be quoted with."""
        pairs = self.pairs(split)
        return {
            "pairs": pairs.name,
            "pairs_sha256": pairs.sha256,
            "pair_count": len(pairs.ids),
            "reference": "test_img",
            "reference_count": len(self.reference_images()),
        }

    def fingerprint(self) -> str:
        """Of the folder and of lists given from elsewhere."""
        return fingerprint(self.root, *(path for path in self.lists.values() if path))

    def _training_sets(self) -> tuple[VitonSet, VitonSet]:
        return tuple(VitonSet(part, self.size, draw_others=True, seed=self.seed) for part in self._training_records())

    def _training_records(self) -> tuple[list[Record], list[Record]]:
        """What is learnt from, and what is held out."""
        records = self._matched()
        if self.val_size > len(records) - 2:
            raise ValueError(
                f"val_size (={self.val_size}) leaves fewer than 2 of {len(records)} training samples; lower it"
            )
        held_out = set(sorted(records, key=_scattered)[: self.val_size])
        return tuple([r for r in records if (r in held_out) is held] for held in (False, True))

    def _matched(self) -> list[Record]:
        if self.on_bad == "stop":
            return match_training(self.root, self.pairs("train"))
        if self._usable is None:
            self._usable, self.skipped = usable(training_matcher(self.root), self.pairs("train"), self.size)
        return self._usable

    def _seen(self) -> list[Record]:
        """Persons that are learnt from, each in the garment of the next."""
        chosen = sorted(self._training_records()[0], key=_scattered)[: self.seen_size]
        return [
            Record(one.person_id, other.cloth_id, one.person, other.cloth, other.edge, worn=False)
            for one, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True)
        ]

    def _how(self) -> dict:
        return {
            "batch_size": self.batch_size,
            "num_workers": self.workers,
            "collate_fn": collate,
            "pin_memory": torch.cuda.is_available(),
            "persistent_workers": self.workers > 0,
            "worker_init_fn": _one_thread,
            "generator": torch.Generator(),  # a loader must not draw from the random state that training resumes
        }


def _scattered(record: Record) -> str:
    """A key that sorts samples at random, and the same way each time."""
    return hashlib.sha256(record.person_id.encode()).hexdigest()


def _one_thread(worker: int) -> None:
    """Workers are the parallelism; OpenCV's thread pool does not survive the fork that makes them."""
    cv2.setNumThreads(0)


def _check_arguments(size: Sequence[int], batch_size: int, workers: int, val_size: int, seen_size: int) -> None:
    if len(size) != 2 or any(side < 32 or side % 32 for side in size):
        raise ValueError(f"size (={tuple(size)}) must be (h, w), both divisible by 32, such as (256, 192) or (128, 96)")
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("workers", workers, 0),
        ("val_size", val_size, 0),
        ("seen_size", seen_size, 0),
    ):
        if value < least:
            raise ValueError(f"{name} (={value}) must be at least {least}")
    for name, value in (("val_size", val_size), ("seen_size", seen_size)):
        if value == 1:
            raise ValueError(f"{name} (=1) must be 0 or at least 2: its persons exchange garments with each other")
