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

from vtryon.data.arguments import check_arguments, check_choices, check_poses, warn_if_squeezed
from vtryon.data.duplicates import count_duplicates, without_duplicates
from vtryon.data.files.fingerprint import fingerprint
from vtryon.data.files.names import Names
from vtryon.data.files.pairs import Pairs, check_exchanged, check_worn, find_pairs
from vtryon.data.files.reader import check_whole, files_of, layout_of, partner
from vtryon.data.loading import EpochSampler, TrainLoader
from vtryon.data.made_masks import with_made_masks
from vtryon.data.sample import Raw, TryOnBatch, collate, finish
from vtryon.data.skipping import usable
from vtryon.data.viton import Record, VitonSet, match_test, match_training, training_matcher
from vtryon.utils.home import with_home


class VitonDataModule(L.LightningDataModule):
    """Batches arrive in the steps as `TryOnBatch`; loaders hand out `Raw`, which `finish` converts on the device.

    Args:
        root: folder with the training split, the test split or both, in one of the layouts of `data.files.layouts`.
        size: (h, w) of all pictures, divisible by 32; files of another size are resized.
        batch_size: samples a step and process; the last batch may be smaller.
        workers: processes that read files; 0 reads in the training process.
        val_size: training samples held out for validation, 0 or at least 2; the same ones whatever the seed.
        seen_size: training photos that the test shows as well, each in another's garment (split "seen"): what a
            network makes of persons that it has learnt from. 0 leaves the split out.
        seed: of the order of training samples and of the other garments drawn.
        train_pairs: pair list of the training set, such as VITON-Clean's; None takes the layout's own, or each person.
        test_pairs: unpaired list; None takes the layout's own list.
        test_pairs_same: paired list; None takes the layout's own list, or each test person whose own garment is there.
        on_bad: what a training sample does whose files are broken or missing: "stop" ends the run with the path, "skip"
            leaves it out and counts it (`skipped`). A test always stops: its score is of all its pairs or of none.
        masks: garment masks, "given" by the folder or "made" from the garment pictures; a folder without masks has
            them made anyway.
        cache: folder in which made masks are kept.
        unique: train on each photo once, however often its bytes stand in the folder.
        layout: one of `vtryon.data.files.LAYOUTS`; "auto" tells it from the folders.
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
        layout: str = "auto",
        masks: str = "given",
        cache: str | os.PathLike = "~/.cache/vtryon",
        unique: bool = False,
    ):
        super().__init__()
        check_arguments(size, batch_size, workers, val_size, seen_size)
        check_choices(on_bad, masks)
        self.root, self.size = with_home(root), tuple(size)
        self.batch_size, self.workers, self.val_size, self.seed = batch_size, workers, val_size, seed
        self.seen_size, self.test_splits = seen_size, ("unpaired", "paired", *(["seen"] if seen_size else []))
        lists = {"train": train_pairs, "unpaired": test_pairs, "paired": test_pairs_same}
        self.lists = {split: path and with_home(path) for split, path in lists.items()}
        self.on_bad, self.skipped, self._usable = on_bad, [], None
        self.masks, self.cache, self.unique = masks, cache, unique
        self.layout = layout_of(self.root, layout)
        self.train_set = self.val_set = None
        self._told_of_shape, self._pairs = False, {}
        self.test_sets: list[VitonSet] = []
        # how many workers is this class's argument, so Lightning's advice on it is no news
        warnings.filterwarnings("ignore", message=r".*does not have many workers")

    def setup(self, stage: str | None = None) -> None:
        """Match the files and look at both ends of each, so that a broken one stops a run before its first step."""
        new_sets = []
        if stage in (None, "fit", "validate") and self.train_set is None:
            self.train_set, self.val_set = self._training_sets()
            new_sets += [self.train_set, self.val_set]
        if stage in (None, "test", "predict") and not self.test_sets:
            self.test_sets = [
                VitonSet(self._test_records(split), self.size, read_labels=self.layout.read_labels)
                for split in self.test_splits
            ]
            new_sets += self.test_sets
        for path in dict.fromkeys(path for samples in new_sets for path in samples.files()):
            check_whole(path)
        if new_sets and new_sets[0].records:
            self._say_if_squeezed(new_sets[0].records[0].person)
        if self.train_set is not None and self.train_set in new_sets:
            check_poses([record.pose for record in self.train_set.records if record.pose])

    def _say_if_squeezed(self, photo: str) -> None:
        if not self._told_of_shape:
            self._told_of_shape = warn_if_squeezed(photo, self.size)

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
        """The pairs of "train" (held-out ones included), "unpaired" or "paired"; each list is read and checked once."""
        if split not in self._pairs:
            self._pairs[split] = self._read_pairs(split)
        return self._pairs[split]

    def _read_pairs(self, split: str) -> Pairs:
        pairs = find_pairs(self.root, split, self.lists[split], self.layout)
        if split == "unpaired":
            check_exchanged(pairs, self.lists[split] or self.root / pairs.name, self.layout)
        else:
            folders = self.layout.train if split == "train" else self.layout.test
            cloths = files_of(self.root, self.layout, folders, "cloth") or Names(Path(), [])
            check_worn(pairs, self.lists[split] or self.root / pairs.name, self.layout, cloths)
        return pairs

    def reference_images(self) -> list[Path]:
        """The real photos that generated ones are compared with: the persons of the unpaired list, each once."""
        folder = self.root / self.layout.test.person
        photos = files_of(self.root, self.layout, self.layout.test, "person")
        persons = sorted({person for person, _ in self.pairs("unpaired").ids})
        return [Path(partner(photos, folder, person)) for person in persons]

    def protocol(self, split: str = "unpaired") -> dict[str, str | int]:
        """What a realism score must be quoted with."""
        pairs = self.pairs(split)
        return {
            "pairs": pairs.name,
            "pairs_sha256": pairs.sha256,
            "pair_count": len(pairs.ids),
            "reference": Path(self.layout.test.person).name,
            "reference_count": len(self.reference_images()),
            "masks": self.masks,
            **self._of_training(split),
        }

    def _of_training(self, split: str) -> dict[str, str | int]:
        """Where the folder has training samples: how many share pictures, and where their body parts are from."""
        if not (self.root / self.layout.train.person).is_dir():
            return {}
        records = self._matched()
        body_parts_source = "densepose" if records[0].densepose else "drawn"
        return {"body_parts": body_parts_source, **count_duplicates(records, self._test_records(split))._asdict()}

    def fingerprint(self) -> str:
        """Of the folder and of lists given from elsewhere."""
        return fingerprint(self.root, *(path for path in self.lists.values() if path))

    def _training_sets(self) -> tuple[VitonSet, VitonSet]:
        return tuple(
            VitonSet(records, self.size, draw_others=True, seed=self.seed, read_labels=self.layout.read_labels)
            for records in self._training_records()
        )

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
        if self._usable is None:
            records = self._readable()
            self._usable = self._masked(without_duplicates(records) if self.unique else records)
        return self._usable

    def _readable(self) -> list[Record]:
        """The samples of the training list, without those that `on_bad` skips."""
        if self.on_bad == "stop":
            return match_training(self.root, self.pairs("train"), self.layout)
        records, self.skipped = usable(
            training_matcher(self.root, self.layout), self.pairs("train"), self.size, self.layout.read_labels
        )
        return records

    def _masked(self, records: list[Record]) -> list[Record]:
        if self.masks == "made" or any(record.edge is None for record in records):
            return with_made_masks(records, self.cache)
        return records

    def _test_records(self, split: str) -> list[Record]:
        if split == "seen":
            return self._seen()
        return self._masked(match_test(self.root, self.pairs(split), split == "paired", self.layout))

    def _seen(self) -> list[Record]:
        """Persons that are learnt from, each in the garment of the next."""
        chosen = sorted(self._training_records()[0], key=_scattered)[: self.seen_size]
        return [
            Record(wearer.person_id, owner.cloth_id, wearer.person, owner.cloth, owner.edge, worn=False)
            for wearer, owner in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True)
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
