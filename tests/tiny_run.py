"""The smallest Lightning run that has everything callbacks look at: TryOn outputs, TryOnBatch, named test splits."""

import vtryon  # noqa: F401  before Lightning, for its guard of torchvision

# isort: split
from pathlib import Path

import cv2
import numpy as np
import pytorch_lightning as L
import torch
from torch.utils.data import DataLoader

from vtryon.data.files.pairs import Pairs
from vtryon.data.sample import TryOnBatch
from vtryon.models.afwm import AFWM
from vtryon.models.flow import identity_grid
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOn, TryOnNet

SIZE = (64, 64)
LIGHTNING_WARNINGS = (
    "ignore:.*does not have many workers",
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated",
)


def tiny_net() -> TryOnNet:
    return TryOnNet(AFWM(3, (4,) * 5, 4, (4, 4, 4)), ResUnetGenerator(7, 4, 5, 2))


def batch(
    ids: range,
    truth: bool = True,
    flow: bool = True,
    size: tuple[int, int] = SIZE,
    **changes,
) -> TryOnBatch:
    generator = torch.Generator().manual_seed(ids.start)
    person, cloth = (torch.rand(len(ids), 3, *size, generator=generator) * 2 - 1 for _ in range(2))
    return TryOnBatch(
        person_ids=[f"{number:06d}_0" for number in ids],
        cloth_ids=[f"{number + 1:06d}_1" for number in ids],
        person=person,
        cloth=cloth,
        cloth_edge=torch.ones(len(ids), 1, *size),
        truth=person if truth else None,
        true_flow=identity_grid(*size).repeat(len(ids), 1, 1, 1) if flow else None,
        other_cloth=None,
        other_edge=None,
        parse=None,
        densepose=None,
        pose=None,
    )._replace(**changes)


def answer(
    given: TryOnBatch,
    image: torch.Tensor | None = None,
    flow: torch.Tensor | None = None,
) -> TryOn:
    """A try-on as if a network had returned it; by default the cloth itself, unwarped."""
    grid = identity_grid(*given.person.shape[2:]).repeat(len(given.person), 1, 1, 1)
    return TryOn(
        image=given.cloth if image is None else image,
        warped_cloth=given.cloth,
        warped_edge=given.cloth_edge,
        rendered=given.cloth,
        mask=given.cloth_edge,
        flow=grid if flow is None else flow,
        flows=(),
        offsets=(),
        person_features=(),
    )


class TinyModule(L.LightningModule):
    """It learns how bright garments are and moves none; its `net` is there to be counted."""

    def __init__(self, teacher: bool = False):
        super().__init__()
        self.net, self.teacher = tiny_net(), teacher
        self.brightness = torch.nn.Parameter(torch.tensor(0.5))

    def training_step(self, given: TryOnBatch, batch_idx: int):
        loss = (self._try_on(given).image - given.truth).abs().mean()
        self.log("train/total", loss, batch_size=len(given.person))
        return loss

    def validation_step(self, given: TryOnBatch, batch_idx: int):
        return {"try_on": self._try_on(given)}

    def test_step(self, given: TryOnBatch, batch_idx: int, dataloader_idx: int = 0):
        found = {"try_on": answer(given)}
        return found | {"teacher": answer(given, image=given.person)} if self.teacher else found

    def configure_optimizers(self):
        return torch.optim.Adam([self.brightness], lr=1e-3)

    def _try_on(self, given: TryOnBatch) -> TryOn:
        return answer(given, image=given.cloth * self.brightness)


class TinyData(L.LightningDataModule):
    """Batches of 2, 2 and 1 samples; the unpaired test has a truth only if `truth`."""

    test_splits = ("unpaired", "paired")

    def __init__(self, folder: Path, truth: bool = False):
        super().__init__()
        self.folder, self.truth, self.root = Path(folder), truth, Path(folder)

    def train_dataloader(self):
        return loader(batch(range(2)), batch(range(2, 4)), batch(range(4, 5)))

    def val_dataloader(self):
        return loader(batch(range(2)), batch(range(2, 3)))

    def test_dataloader(self):
        kinds = ({"truth": self.truth, "flow": self.truth}, {})
        return [loader(batch(range(10, 12), **kind), batch(range(12, 13), **kind)) for kind in kinds]

    def reference_images(self) -> list[Path]:
        paths = []
        for number in range(4):
            path = self.folder / f"{number:06d}_0.png"
            picture = np.random.default_rng(number).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
            cv2.imwrite(str(path), picture)
            paths.append(path)
        return paths

    def pairs(self, split: str) -> Pairs:
        """Those of `test_dataloader`."""
        ids = [(f"{number:06d}_0", f"{number + 1:06d}_1") for number in range(10, 13)]
        return Pairs("test_pairs.txt", "f" * 64, ids)

    def protocol(self) -> dict:
        return {
            "pairs": "test_pairs.txt",
            "pairs_sha256": "f" * 64,
            "reference": "test_img",
        }


def loader(*batches: TryOnBatch) -> DataLoader:
    return DataLoader(list(batches), batch_size=None)


def trainer(folder: Path, *callbacks: L.Callback, **options) -> L.Trainer:
    options = {"logger": False, "max_epochs": 1, "num_sanity_val_steps": 0} | options
    return L.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        callbacks=list(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        log_every_n_steps=1,
        **options,
    )
