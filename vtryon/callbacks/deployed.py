"""The tested network on the runtimes that would deploy it: quality, executed precisions, size and latency on each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as L
import torch

from vtryon.callbacks.distances import Distances
from vtryon.callbacks.samples import SampleScores, averages, judge
from vtryon.callbacks.splits import split_of
from vtryon.callbacks.toolkits import needed
from vtryon.nn.features.efficientnet import EfficientNetLite0Pooled
from vtryon.nn.image import to_uint8

_UNPAIRED = "unpaired"


class Deployed(L.Callback):
    """Ask each runtime what the test asks the network; its files stay in FOLDER/deployed.

    It runs networks itself, which no other callback does: what it judges is not what the stage returned.

    Args:
        folder: of the run.
        size: (height, width) of the pictures.
    """

    def __init__(self, folder: str | Path, size: Sequence[int]):
        with needed("callbacks.deployed", "deploy"):
            import vtryon.deploy.engines  # noqa: F401 (before anything is trained)
        self.folder, self.size = Path(folder) / "deployed", tuple(size)
        self.engines: dict[str, Any] = {}
        self.rows: dict[str, list[SampleScores]] = {}
        self.distances: dict[str, Distances] = {}
        self.result: dict[str, float] = {}

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        from vtryon.deploy.engines import engines

        self.folder.mkdir(parents=True, exist_ok=True)
        with torch.inference_mode(False):  # what is made in that mode cannot be traced for an export
            self.engines = engines(pl_module.net, self.size, trainer.datamodule.batch_size, self.folder)
        reference = trainer.datamodule.reference_images()
        for name in self.engines:
            self.rows[name] = []
            self.distances[name] = Distances([EfficientNetLite0Pooled], reference, torch.device("cpu"))

    def on_test_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs, batch, batch_idx, dataloader_idx: int = 0
    ) -> None:
        split = split_of(trainer, dataloader_idx)
        for name, engine in self.engines.items():
            answer = engine.ask(batch.person.cpu(), batch.cloth.cpu(), batch.cloth_edge.cpu())
            answer = answer._replace(image=answer.image.to(batch.person), flow=answer.flow.to(batch.person))
            self.rows[name] += judge(split, {**outputs, "try_on": answer}, batch)
            if split == _UNPAIRED:
                self.distances[name].update(to_uint8(answer.image.float().cpu()))

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        from vtryon.deploy.engines import latency_of

        for name, engine in self.engines.items():
            distances, _ = self.distances[name].compute(trainer.datamodule.protocol())
            found = averages(self.rows[name]) | {f"{_UNPAIRED}/{key}": value for key, value in distances.items()}
            found |= {f"{kind}_convolutions": count for kind, count in engine.convolutions.items()}
            found |= {"mib": engine.mib} | latency_of(engine, self.size)
            self.result |= {f"{name}/{key}": value for key, value in found.items()}
        self.engines = {}

    def into_row(self, measured: dict[str, Any]) -> dict[str, Any]:
        """The row's `deployed`: RUNTIME/SPLIT/SCORE, and of each runtime what it computes in, MiB and milliseconds."""
        return {"deployed": dict(self.result)}
