"""Pictures of a network at work: person | cloth | warped | rendered | mask | try-on | truth."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.utilities import rank_zero_only

from vtryon.callbacks.contact_sheet import Column, grey, on_white, strip
from vtryon.callbacks.recorder import split_of
from vtryon.callbacks.trackers.tracker import trackers
from vtryon.data.sample import TryOnBatch
from vtryon.models.afwm import Warp
from vtryon.models.flow import sample
from vtryon.models.tryon import TryOn
from vtryon.utils.atomic import atomic_write
from vtryon.utils.image import to_uint8


class TryOnPanel(pl.Callback):
    """Save a panel of the first samples of each split, and show it to the trackers: RUN/panels/SPLIT_EPOCH.png.

    The test's pictures are also kept one by one, RUN/pictures/SPLIT/PERSON__CLOTH/COLUMN.png, for strips over runs.

    Args:
        folder: of the run.
        rows: samples a panel.
        every: epochs from one validation panel to the next; the test always has its own.
    """

    def __init__(self, folder: str | Path, rows: int = 4, every: int = 1):
        self.folder, self.rows, self.every = Path(folder), rows, every
        self.kept: dict[str, list[list[Column]]] = {}

    def on_validation_epoch_start(self, *_: Any) -> None:
        self.kept = {}

    def on_test_epoch_start(self, *_: Any) -> None:
        self.kept = {}

    @rank_zero_only
    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs,
        batch,
        batch_idx,
        dataloader_idx: int = 0,
    ) -> None:
        if not trainer.sanity_checking and trainer.current_epoch % self.every == 0:
            self._keep(split_of(trainer, dataloader_idx), outputs, batch)

    @rank_zero_only
    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs,
        batch,
        batch_idx,
        dataloader_idx: int = 0,
    ) -> None:
        self._keep(split_of(trainer, dataloader_idx), outputs, batch)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._save(trainer, f"{trainer.current_epoch:04d}", f"epoch {trainer.current_epoch}")

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._save(trainer, "test", "test")

    def _keep(self, split: str, outputs: dict[str, TryOn | Warp], batch: TryOnBatch) -> None:
        batches = self.kept.setdefault(split, [])
        missing = self.rows - sum(len(batch_columns[0].pictures) for batch_columns in batches)
        if missing > 0:
            batches.append(columns(outputs, batch, missing))

    @rank_zero_only
    def _save(self, trainer: pl.Trainer, name: str, when: str) -> None:
        for split, batches in self.kept.items():
            sheet = strip(_joined(batches), f"{split}, {when}")
            with atomic_write(self.folder / "panels" / f"{split}_{name}.png") as temporary:
                sheet.save(temporary)
            if trainer.testing:
                _keep_pictures(self.folder / "pictures" / split, _joined(batches))
            for tracker in trackers(trainer.loggers):
                tracker.log_pictures({f"{split}/panel": sheet}, trainer.global_step)
        self.kept = {}


def columns(outputs: dict[str, TryOn | Warp], batch: TryOnBatch, rows: int) -> list[Column]:
    """The stages of the first `rows` samples; a teacher's try-on and the truth only where there are such."""
    stages = [
        Column("person", to_uint8(batch.person[:rows]), batch.person_ids[:rows]),
        Column("cloth", to_uint8(batch.cloth[:rows]), batch.cloth_ids[:rows]),
    ]
    if "warp" in outputs:
        edge = sample(batch.cloth_edge, outputs["warp"].flow.detach().float(), padding="zeros")
        stages.append(
            Column(
                "warped",
                on_white(outputs["warp"].cloth[:rows].detach().float(), edge[:rows]),
            )
        )
    if "try_on" in outputs:
        stages += _of_try_on(outputs["try_on"], rows)
    if "teacher" in outputs:
        stages.append(Column("teacher", to_uint8(outputs["teacher"].image[:rows].detach().float())))
    if batch.truth is not None:
        stages.append(Column("truth", to_uint8(batch.truth[:rows])))
    return [column._replace(pictures=column.pictures.cpu()) for column in stages]


def _of_try_on(try_on: TryOn, rows: int) -> list[Column]:
    """The columns of a try-on; an exported network has neither rendered person nor mask."""
    image, warped, edge, rendered, mask = (
        None if tensor is None else tensor[:rows].detach().float() for tensor in try_on[:5]
    )
    inner = [] if rendered is None else [Column("rendered", to_uint8(rendered)), Column("mask", grey(mask))]
    return [Column("warped", on_white(warped, edge)), *inner, Column("try-on", to_uint8(image))]


def _joined(batches: list[list[Column]]) -> list[Column]:
    """The same columns of several batches, one under the other."""
    return [
        Column(
            columns[0].caption,
            torch.cat([c.pictures for c in columns]),
            [note for c in columns for note in c.notes],
        )
        for columns in zip(*batches, strict=True)
    ]


def _keep_pictures(folder: Path, stages: list[Column]) -> None:
    """The first two columns are the person and the cloth, and their notes name the pair."""
    pairs = [f"{person}__{cloth}" for person, cloth in zip(stages[0].notes, stages[1].notes, strict=True)]
    for column in stages:
        for pair, picture in zip(pairs, column.pictures, strict=True):
            with atomic_write(folder / pair / f"{column.caption}.png") as temporary:
                Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()).save(temporary)
