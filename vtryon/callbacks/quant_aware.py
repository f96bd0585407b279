"""Quantisation-aware training: the fit goes on with fake-quantised parts, and what it leaves is an int8 network."""

from collections.abc import Callable, Sequence

import pytorch_lightning as L
import torch.ao.quantization as tq
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vtryon.compression.quantization_inc import FakeQuantised
from vtryon.nn.checkpoint import architecture_of
from vtryon.nn.quantised import Int8TryOnNet, raise_without_kernels
from vtryon.nn.quantised_parts import HEADS, parts_of, replace_parts


class QuantAware(L.Callback):
    """Insert fake-quantisers before the fit, switch them on in it, and convert the network after it.

    They are there from the first step on, so that a run which was cut short finds all its weights again; until
    `starts` they do nothing, and the network is tuned as a float one. Then they measure ranges and round. From
    `freezes` on ranges stay, and so do the norms' statistics: the last part learns on what will be deployed.

    Args:
        scope: which parts become int8: "warp", "generator" or "all"; "none" is the float row beside them.
        keep_float: patterns of layers that stay float in them.
        pruning: (net) -> net before all this, by an importance that reads no gradients; None takes no channels.
        starts: share of the training after which the network is fake-quantised, in [0, 1).
        freezes: share of the training after which ranges stay as they are, in [starts, 1].
    """

    def __init__(
        self,
        scope: str = "all",
        keep_float: Sequence[str] = HEADS,
        pruning: Callable[[nn.Module], nn.Module] | None = None,
        starts: float = 0.0,
        freezes: float = 0.8,
    ):
        if not 0 <= starts < 1 or not starts <= freezes <= 1:
            raise ValueError(
                f"starts (={starts}) and freezes (={freezes}) are shares of the training: 0 <= starts < 1, "
                "starts <= freezes <= 1"
            )
        self.scope, self.keep_float, self.pruning = scope, tuple(keep_float), pruning
        self.starts, self.freezes = starts, freezes
        self.inserted: FakeQuantised | None = None
        self.architecture: dict = {}

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if stage == "test":
            self._raise_unless_converted(pl_module.net)
        if stage != "fit":
            return
        if self.pruning is not None:
            pl_module.net = self.pruning(pl_module.net)
            pl_module.reshaped()
        parts = parts_of(pl_module.net, self.scope)
        if parts:
            raise_without_kernels()
        self.architecture = architecture_of(pl_module.net)
        self.inserted = FakeQuantised()
        replace_parts(pl_module.net, parts, self.keep_float, self.inserted.insert)
        pl_module.net.train()  # a network that was read from its file is not

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch, batch_idx: int) -> None:
        share = trainer.global_step / trainer.estimated_stepping_batches
        _switch(pl_module.net, tq.FakeQuantizeBase.enable_fake_quant, share >= self.starts)
        _switch(pl_module.net, tq.FakeQuantizeBase.enable_observer, self.starts <= share < self.freezes)
        if share >= self.freezes and parts_of(pl_module.net, self.scope):
            _freeze_norms(pl_module.net)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Not at the training's end, which a run that was cut short after its last epoch does not see again."""
        if parts_of(pl_module.net, self.scope):
            _put_in_place(pl_module.net, self.inserted.convert())
            pl_module.net = Int8TryOnNet(pl_module.net, self.architecture, self.scope, self.keep_float)

    def _raise_unless_converted(self, net: nn.Module) -> None:
        if self.scope != "none" and not isinstance(net, Int8TryOnNet):
            raise ValueError(
                "compression=qat_int8 learns while the network is trained, and nothing trained it; take a training "
                "with a fit, such as training=by_teacher, or compression=ptq_int8, which needs none"
            )


def _switch(net: nn.Module, switch: Callable, on: bool) -> None:
    for layer in net.modules():
        if isinstance(layer, tq.FakeQuantizeBase):
            switch(layer, on)


def _freeze_norms(net: nn.Module) -> None:
    """Statistics stay, those of norms that were folded into a convolution included; in training mode they would not."""
    for layer in net.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()
        elif hasattr(layer, "freeze_bn_stats"):
            layer.freeze_bn_stats()


def _put_in_place(net: nn.Module, converted: dict[nn.Module, nn.Module]) -> None:
    names = {module: name for name, module in net.named_modules()}
    for trained, done in converted.items():
        net.set_submodule(names[trained], done)
