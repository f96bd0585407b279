"""The base of all training stages: one optimiser over parameter groups, a schedule, and the names in the log."""

from collections.abc import Callable
from typing import NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from vtryon.data.parse import person_cloth_mask
from vtryon.data.sample import TryOnBatch
from vtryon.losses.warping import Target
from vtryon.models.architecture import resize, widths
from vtryon.training.schedule import constant_then_linear


class Group(NamedTuple):
    """Parameters that learn together."""

    parameters: list[nn.Parameter]
    rate: float = 1.0  # of the optimiser's
    opens: int = 0  # the epoch from which they learn


class Means:
    """Means of named terms over the samples of an epoch, which a checkpoint within the epoch takes along."""

    def __init__(self, sums: dict[str, Tensor] | None = None, count: int = 0):
        self.sums, self.count = dict(sums or {}), count

    def add(self, terms: dict[str, Tensor], count: int) -> None:
        """`count` samples have these means."""
        self.count += count
        for name, value in terms.items():
            previous_sum = self.sums.get(name, torch.zeros((), device=value.device))
            self.sums[name] = previous_sum.to(value.device) + value.detach() * count

    def take(self) -> dict[str, Tensor]:
        """The means, and start anew."""
        means = {name: value / self.count for name, value in self.sums.items()}
        self.sums, self.count = {}, 0
        return means

    def state(self) -> dict:
        return {"sums": {name: value.cpu() for name, value in self.sums.items()}, "count": self.count}


class Stage(pl.LightningModule):
    """A network with its loss, optimiser and schedule.

    Args:
        net: what learns; `RUN/model.safetensors` is its copy.
        loss: gives named terms and their "total".
        optimizer: parameter groups -> optimiser.
        scheduler: (optimiser, max_epochs, opens) -> schedule, stepped once an epoch.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: nn.Module,
        optimizer: Callable,
        scheduler: Callable = constant_then_linear,
    ):
        super().__init__()
        self.net, self.loss = net, loss
        self.means, self.seen = Means(), ""
        self.make_optimizer, self.make_scheduler = optimizer, scheduler

    def terms(self, batch: TryOnBatch) -> dict[str, Tensor]:
        """The named terms of the loss on a batch."""
        raise TypeError(f"{type(self).__name__} must say what its step computes")

    def groups(self) -> list[Group]:
        """Which parameters learn; a network's part that is in no group has to be frozen by the stage."""
        return [Group(list(self.net.parameters()))]

    def check_data(self, name: str) -> None:
        """Raise ValueError where the stage cannot learn from the data of this name; most can from any."""

    def reshaped(self) -> None:
        """The widths of `net` have changed; a stage that compares it with another network follows here."""

    def on_fit_start(self) -> None:
        """A network that was read from its file, or taken from a supernet, is in eval mode; Lightning leaves it so."""
        self.net.train()

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["widths"] = widths(self.net)
        checkpoint["means"] = self.means.state()

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """A network that was pruned on the way has to have its widths before its weights."""
        saved, current = checkpoint["widths"], widths(self.net)
        resize(self.net, {name: channels for name, channels in saved.items() if channels != current.get(name)})
        self.reshaped()
        self.means = Means(**checkpoint["means"])

    def training_step(self, batch: TryOnBatch, batch_idx: int) -> Tensor:
        terms = self.terms(batch)
        _raise_unless_finite(terms, batch)
        self.means.add(terms, len(batch.person))
        self.seen = ", ".join(batch.person_ids)
        return terms["total"]

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        if getattr(self.trainer.precision_plugin, "scaler", None) is None:  # a scaler skips such steps itself
            _raise_unless_finite_gradient(self, self.seen)

    def on_train_epoch_end(self) -> None:
        means = {f"train/{name}": value for name, value in self.means.take().items()}
        self.log_dict(means, sync_dist=True)

    def configure_optimizers(self):
        groups = self.groups()
        optimizer = self.make_optimizer([{"params": group.parameters} for group in groups])
        for built, group in zip(optimizer.param_groups, groups, strict=True):
            built["lr"] *= group.rate
        return [optimizer], [self.make_scheduler(optimizer, self.trainer.max_epochs, [group.opens for group in groups])]


def _raise_unless_finite(terms: dict[str, Tensor], batch: TryOnBatch) -> None:
    """Before the backward pass: of a grid that is not finite, torch's sampling has no gradient but a crash."""
    if not torch.isfinite(terms["total"]):
        bad = ", ".join(f"{name} is {value.item()}" for name, value in terms.items() if not torch.isfinite(value))
        raise FloatingPointError(f"{bad} on samples {', '.join(batch.person_ids)}; lower the learning rate")


def _raise_unless_finite_gradient(module: nn.Module, last_batch: str) -> None:
    """After the backward pass and before the step, so that the weights stay what they were."""
    gradients = {name: value.grad for name, value in module.named_parameters() if value.grad is not None}
    norms = torch.stack(torch._foreach_norm(list(gradients.values())))
    if not torch.isfinite(norms.sum()):
        bad = [name for name, norm in zip(gradients, norms, strict=True) if not torch.isfinite(norm)] or [*gradients]
        raise FloatingPointError(
            f"the gradient of {bad[0]} ({len(bad)} in all) is not finite on samples {last_batch}; lower the "
            "learning rate"
        )


def target_of(batch: TryOnBatch) -> Target:
    """The photo, the garment on it, and where that is."""
    worn = person_cloth_mask(batch.parse)
    return Target(batch.person, batch.person * worn, worn)
