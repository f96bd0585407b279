"""The tested network on the runtimes that would deploy it: quality, executed precisions, size and latency on each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from vtryon.callbacks.distances import Distances
from vtryon.callbacks.recorder import Recorder, split_of
from vtryon.callbacks.samples import SampleScores, averages, judge
from vtryon.metrics.registry import UNPAIRED
from vtryon.models.features.efficientnet import EfficientNetLite0Pooled
from vtryon.utils.image import to_uint8
from vtryon.utils.optional_dependencies import needed


class Deployed(Recorder):
    """Ask each runtime what the test asks the network; its files stay in FOLDER/deployed.

    It runs networks itself, which no other callback does: what it judges is not what the stage returned.

    Args:
        folder: of the run.
        size: (height, width) of the pictures.
    """

    def __init__(self, folder: str | Path, size: Sequence[int]):
        with needed("callbacks.deployed", "deploy"):
            import vtryon.deploy.runtime.deployed_runtimes  # noqa: F401 (before anything is trained)
        self.folder, self.size = Path(folder) / "deployed", tuple(size)
        self.runtimes: dict[str, Any] = {}
        self.rows: dict[str, list[SampleScores]] = {}
        self.distances: dict[str, Distances] = {}
        self.result: dict[str, float] = {}

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        from vtryon.deploy.runtime.deployed_runtimes import deploy_all

        self.folder.mkdir(parents=True, exist_ok=True)
        with torch.inference_mode(False):  # what is made in that mode cannot be traced for an export
            self.runtimes = deploy_all(pl_module.net, self.size, trainer.datamodule.batch_size, self.folder)
        reference = trainer.datamodule.reference_images()
        for name in self.runtimes:
            self.rows[name] = []
            self.distances[name] = Distances([EfficientNetLite0Pooled], reference, torch.device("cpu"))

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs, batch, batch_idx, dataloader_idx: int = 0
    ) -> None:
        split = split_of(trainer, dataloader_idx)
        for name, runtime in self.runtimes.items():
            output = runtime.run(batch.person.cpu(), batch.cloth.cpu(), batch.cloth_edge.cpu())
            output = output._replace(image=output.image.to(batch.person), flow=output.flow.to(batch.person))
            self.rows[name] += judge(split, {**outputs, "try_on": output}, batch)
            if split == UNPAIRED:
                self.distances[name].update(to_uint8(output.image.float().cpu()))

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        from vtryon.deploy.runtime.deployed_runtimes import latency_of

        for name, runtime in self.runtimes.items():
            distances, _ = self.distances[name].compute(trainer.datamodule.protocol())
            scores = averages(self.rows[name]) | {f"{UNPAIRED}/{key}": value for key, value in distances.items()}
            scores |= {f"{kind}_convolutions": count for kind, count in runtime.convolutions.items()}
            scores |= {"mib": runtime.mib} | latency_of(runtime, self.size)
            self.result |= {f"{name}/{key}": value for key, value in scores.items()}
        self.runtimes = {}

    def record(self) -> dict[str, Any]:
        """The row's `deployed`: RUNTIME/SPLIT/SCORE, and of each runtime what it computes in, MiB and milliseconds."""
        return {"deployed": dict(self.result)}
