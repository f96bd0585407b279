"""Post-training quantisation before the test: what is tested, saved and timed is the int8 model that OpenVINO runs."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytorch_lightning as L
import torch

from vtryon.callbacks.toolkits import needed
from vtryon.data.sample import TryOnBatch, singles, worn_otherwise
from vtryon.metrics.likeness import likeness
from vtryon.nn.image import to_uint8
from vtryon.nn.quantised import Int8TryOnNet
from vtryon.nn.tryon import TryOnNet, TutorNet

SCORES = {"ssim": 1, "mse": -1}  # and which way is better


class PostTraining(L.Callback):
    """Quantise the network of the run after its fit, if it has one.

    Args:
        folder: of the run; the model goes to FOLDER/deployed/ptq.xml and .bin.
        size: (height, width) of the pictures.
        calibration: training pairs from which ranges are learnt.
        keep_float: patterns of modules whose operations stay float; "" is the network's own, which composes.
        per_channel: a scale for each output channel of a weight, or one for all.
        symmetric: activations around zero, or from their least to their largest.
        metric: "ssim" or "mse" (8-bit), for an accuracy budget.
        rise: how much worse the metric may become on the validation pairs; None sets no budget.
        rounds: at most so many operations are taken back to keep it.
    """

    def __init__(
        self,
        folder: str | Path,
        size: Sequence[int],
        calibration: int = 64,
        keep_float: Sequence[str] = (),
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
        self.how = {"keep_float": tuple(keep_float), "per_channel": per_channel, "symmetric": symmetric}
        self.metric, self.rise, self.rounds = metric, rise, rounds
        self.mib: float | None = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if stage != "test":
            return
        net, data = pl_module.net, trainer.datamodule
        if not isinstance(net, TryOnNet) or isinstance(net, TutorNet | Int8TryOnNet):
            raise ValueError(f"compression=ptq_int8 quantises a float student, and this is a {type(net).__name__}")
        with needed("post-training quantisation", "deploy"):
            from vtryon.deploy.on_openvino import OnOpenVINO
            from vtryon.deploy.openvino_graph import openvino_graph
            from vtryon.deploy.ptq import quantise
        data.setup("fit")
        pairs = [*islice(map(worn_otherwise, singles(data.train_dataloader())), self.calibration)]
        budget = None if self.rise is None else self._budget(singles(data.val_dataloader()))
        model = quantise(openvino_graph(net, self.size, batch=None), pairs, **self.how, budget=budget)
        pl_module.net = OnOpenVINO(model, net, self.size, data.batch_size)
        self.mib = pl_module.net.save(self.folder / "deployed" / "ptq.xml")

    def into_row(self, measured: dict[str, Any]) -> dict[str, Any]:
        """The cost of the float network, with the MiB that are left."""
        kept = {name: value for name, value in measured["cost"].items() if not name.endswith("mib")}
        return {"cost": kept | {"mib": self.mib}}

    def _budget(self, samples: Iterable[TryOnBatch]):
        from vtryon.deploy.ptq import Budget

        items = [(one.person, one.cloth, one.cloth_edge, one.truth) for one in samples]
        return Budget(self._judge, items, self.rise, self.rounds)

    def _judge(self, ask: Callable, items: Iterable[tuple]) -> tuple[float, list[float]]:
        """More is better."""
        found = [self._score(torch.from_numpy(ask(*pair)[0]), truth) for *pair, truth in items]
        return sum(found) / len(found), found

    def _score(self, image: torch.Tensor, truth: torch.Tensor) -> float:
        return SCORES[self.metric] * float(getattr(likeness(to_uint8(image), to_uint8(truth)), self.metric))
