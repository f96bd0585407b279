"""Quantization-aware training: the network is fitted with fake-quantized parts and becomes int8 after the fit."""

from collections.abc import Callable, Sequence

import pytorch_lightning as pl
import torch.ao.quantization as tq
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vtryon.compression.method import CompressionMethod
from vtryon.compression.quantization_inc import FakeQuantized
from vtryon.models.checkpoint import architecture_of
from vtryon.models.quantized.network import Int8TryOnNet, raise_without_kernels
from vtryon.models.quantized.policy import KEEP_FLOAT, Int8Policy


class QuantAware(CompressionMethod):
    """Insert fake-quantizers before the fit, switch them on during it, and convert the network after it.

    They are inserted before the first step, so that an interrupted run can load all its weights again; until `starts`
    they do nothing, and the network is tuned as a float one. Then they measure ranges and round. From `freezes` on
    ranges are fixed, and so are the norms' statistics: the last steps train the network that will be deployed.

    Args:
        scope: which parts become int8: "warp", "generator" or "all"; "none" is the float row beside them.
        keep_float: layers that stay float in them, as `vtryon.models.quantized.policy.Int8Policy` takes them.
        pruning: (net) -> net before all this, by an importance that reads no gradients; None takes no channels.
        starts: share of the training after which the network is fake-quantized, in [0, 1).
        freezes: share of the training after which ranges stay as they are, in [starts, 1].
    """

    def __init__(
        self,
        scope: str = "all",
        keep_float: Sequence[str] = KEEP_FLOAT,
        pruning: Callable[[nn.Module], nn.Module] | None = None,
        starts: float = 0.0,
        freezes: float = 0.8,
    ):
        if not 0 <= starts < 1 or not starts <= freezes <= 1:
            raise ValueError(
                f"starts (={starts}) and freezes (={freezes}) are shares of the training: 0 <= starts < 1, "
                "starts <= freezes <= 1"
            )
        self.policy, self.pruning = Int8Policy(scope, keep_float), pruning
        self.starts, self.freezes = starts, freezes
        self.inserted: FakeQuantized | None = None
        self.architecture: dict = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage == "test":
            self._raise_unless_converted(pl_module.net)
        if stage != "fit":
            return
        if self.pruning is not None:
            pl_module.net = self.pruning(pl_module.net)
            pl_module.reshaped()
        if self.policy.subnetworks(pl_module.net):
            raise_without_kernels()
        self.architecture = architecture_of(pl_module.net)
        self.inserted = FakeQuantized()
        self.policy.replace(pl_module.net, self.inserted.insert)
        pl_module.net.train()  # a network that was read from its file is not

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch, batch_idx: int) -> None:
        share = trainer.global_step / trainer.estimated_stepping_batches
        _switch(pl_module.net, tq.FakeQuantizeBase.enable_fake_quant, share >= self.starts)
        _switch(pl_module.net, tq.FakeQuantizeBase.enable_observer, self.starts <= share < self.freezes)
        if share >= self.freezes and self.policy.scope != "none":
            _freeze_norms(pl_module.net)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Convert here, not in `on_train_end`, which a run interrupted after its last epoch does not reach again."""
        if self.policy.scope != "none":
            _put_in_place(pl_module.net, self.inserted.convert())
            pl_module.net = Int8TryOnNet(pl_module.net, self.architecture, self.policy)

    def _raise_unless_converted(self, net: nn.Module) -> None:
        if self.policy.scope != "none" and not isinstance(net, Int8TryOnNet):
            raise ValueError(
                "compression=qat_int8 learns while the network is trained, and nothing trained it; take a training "
                "with a fit, such as training=by_teacher, or compression=ptq_int8, which needs none"
            )


def _switch(net: nn.Module, switch: Callable, on: bool) -> None:
    for layer in net.modules():
        if isinstance(layer, tq.FakeQuantizeBase):
            switch(layer, on)


def _freeze_norms(net: nn.Module) -> None:
    """Fix the statistics of all norms, those folded into a convolution included."""
    for layer in net.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()
        elif hasattr(layer, "freeze_bn_stats"):
            layer.freeze_bn_stats()


def _put_in_place(net: nn.Module, converted: dict[nn.Module, nn.Module]) -> None:
    names = {module: name for name, module in net.named_modules()}
    for trained, int8_part in converted.items():
        net.set_submodule(names[trained], int8_part)
