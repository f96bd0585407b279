"""Post-training quantization before the test: the int8 model in OpenVINO is tested, saved and timed."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

import pytorch_lightning as pl
import torch

from vtryon.compression.method import CompressionMethod
from vtryon.data.sample import TryOnBatch, singles, worn_otherwise
from vtryon.metrics.image_similarity import image_similarity
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.quantized.policy import KEEP_FLOAT, Int8Policy
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.utils.image import to_uint8
from vtryon.utils.optional_dependencies import needed

SCORES = {"ssim": 1, "mse": -1}  # 1 where more is better


class PostTraining(CompressionMethod):
    """Quantize the network of the run after its fit, or as it was loaded.

    Args:
        folder: of the run; the model goes to FOLDER/deployed/ptq.xml and .bin.
        size: (height, width) of the pictures.
        calibration: training pairs from which ranges are learnt.
        keep_float: layers that stay float, as `vtryon.models.quantized.policy.Int8Policy` takes them.
        per_channel: as there, of weights.
        symmetric: as there, of activations.
        metric: "ssim" or "mse" (8-bit), for an accuracy budget.
        rise: how much worse the metric may become on the validation pairs; None sets no budget.
        rounds: at most so many operations are taken back to keep it.
    """

    def __init__(
        self,
        folder: str | Path,
        size: Sequence[int],
        calibration: int = 64,
        keep_float: Sequence[str] = KEEP_FLOAT,
        per_channel: bool = True,
        symmetric: bool = False,
        metric: str = "mse",
        rise: float | None = None,
        rounds: int = 20,
    ):
        if calibration < 1:
            raise ValueError(f"calibration (={calibration}): ranges are learnt from at least 1 pair; take 64 or so")
        if metric not in SCORES:
            raise ValueError(f"metric (={metric!r}) must be one of {', '.join(SCORES)}")
        if rise is not None and rise < 0:
            raise ValueError(f"rise (={rise}) must be at least 0: how much worse {metric} may become")
        self.folder, self.size, self.calibration = Path(folder), tuple(size), calibration
        self.policy = Int8Policy("all", keep_float, per_channel, symmetric)
        self.metric, self.rise, self.rounds = metric, rise, rounds

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage != "test":
            return
        net, data = pl_module.net, trainer.datamodule
        if not isinstance(net, TryOnNet) or isinstance(net, TutorNet | Int8TryOnNet):
            raise ValueError(f"compression=ptq_int8 quantizes a float student, and this is a {type(net).__name__}")
        with needed("post-training quantization", "deploy"):
            from vtryon.deploy.export.post_training import quantize_openvino
            from vtryon.deploy.runtime.openvino_graph import openvino_graph
            from vtryon.deploy.runtime.openvino_runtime import OpenVINOTryOnNet
        data.setup("fit")
        pairs = [*islice(map(worn_otherwise, singles(data.train_dataloader())), self.calibration)]
        budget = None if self.rise is None else self._budget(singles(data.val_dataloader()))
        model = quantize_openvino(openvino_graph(net, self.size, batch=None), net, pairs, self.policy, budget)
        pl_module.net = OpenVINOTryOnNet(model, net, self.size, data.batch_size)
        pl_module.net.save(self.folder / "deployed" / "ptq.xml")

    def _budget(self, samples: Iterable[TryOnBatch]):
        from vtryon.deploy.export.post_training import Budget

        items = [(sample.person, sample.cloth, sample.cloth_edge, sample.truth) for sample in samples]
        return Budget(self._judge, items, self.rise, self.rounds)

    def _judge(self, model: Callable, items: Iterable[tuple]) -> tuple[float, list[float]]:
        """Mean and single scores of a model on items; more is better."""
        scores = [self._score(torch.from_numpy(model(*pair)[0]), truth) for *pair, truth in items]
        return sum(scores) / len(scores), scores

    def _score(self, image: torch.Tensor, truth: torch.Tensor) -> float:
        return SCORES[self.metric] * float(getattr(image_similarity(to_uint8(image), to_uint8(truth)), self.metric))
