"""A supernet: one network whose first channels are narrower networks, all on the same weights."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch_pruning.pruner.importance import MagnitudeImportance

from vtryon.compression.supernet.channel_map import ChannelMap
from vtryon.compression.supernet.widths import Choice, WidthSpace, built, choice_of
from vtryon.models.architecture import widths
from vtryon.models.tryon import TryOn, TryOnNet


class Supernet:
    """The networks that lie in `net`, by their widths.

    A narrower network reads the first channels of every layer, so that one weight belongs to all networks that are at
    least so wide. Each has batch-norm statistics of its own.

    Args:
        net: the widest, its most important channels first (`sorted_by_importance`).
        space: the widths to choose from.

    Raises:
        ValueError: the widest choice is not `net`.
    """

    def __init__(self, net: TryOnNet, space: WidthSpace):
        if space.widest() != choice_of(net):
            raise ValueError(f"the widest choice ({space.widest()}) must be the network's widths ({choice_of(net)})")
        self.net, self.space, self.map = net, space, ChannelMap(net)
        self._shell, self._followed = _shell(net), self._followed_lists()

    def __call__(self, choice: Choice, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> TryOn:
        """The try-on of one of the networks, with gradients to the shared weights; by the statistics of the batch."""
        weights = self.map.cut(dict(self.net.named_parameters()), self.kept(choice))
        return torch.func.functional_call(self._shell, weights, (person, cloth, cloth_edge))

    def kept(self, choice: Choice) -> dict[str, int]:
        """How many channels each group keeps, by the convolution that stands for it.

        Raises:
            ValueError: naming a width that the supernet does not hold.
        """
        indices = self.space.indices(choice)
        return {group: entries[indices[place]] for group, (place, entries) in self._followed.items()}

    def extract(self, choice: Choice, batches: Iterable[tuple[Tensor, Tensor, Tensor]] = ()) -> TryOnNet:
        """One of the networks as an ordinary one, in eval mode.

        Args:
            choice: its widths.
            batches: what its batch-norm statistics are taken from: persons, garments and their masks. Without them, and
                for the widest network, they are the widest network's.

        Raises:
            ValueError: naming a width that the supernet does not hold.
        """
        kept, narrow = self.kept(choice), built(self.net, choice)
        with torch.no_grad():
            narrow.load_state_dict(self.map.cut(self.net.state_dict(), kept))
        narrow.to(next(self.net.parameters()).device)
        if choice != self.space.widest():
            recalibrate(narrow, batches)
        return narrow.eval()

    def _followed_lists(self) -> dict[str, tuple[int, list[int]]]:
        """Of each group of channels the list that its width follows, and its width for each entry of that list."""
        widest, full = self.space.indices(self.space.widest()), self.map.full()
        followed = {group: (0, [width] * len(self.space.lists["ngf"])) for group, width in full.items()}
        for place, entries in enumerate(self.space.lists.values()):
            columns = []
            for entry in range(len(entries)):
                choice = self.space.choice((*widest[:place], entry, *widest[place + 1 :]))
                with torch.device("meta"):
                    columns.append(widths(built(self.net, choice)))
            for group, width in full.items():
                by_entry = [column[group][-1] for column in columns]
                if set(by_entry) != {width}:
                    followed[group] = (place, by_entry)
        return followed


def _shell(net: TryOnNet) -> TryOnNet:
    """The structure of `net`, to be called with other weights; norms take the statistics of the batch."""
    with torch.device("meta"):
        shell = built(net, choice_of(net))
    for norm in shell.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.track_running_stats = False
            norm.running_mean = norm.running_var = norm.num_batches_tracked = None
    return shell.train()


def sorted_by_importance(net: TryOnNet) -> tuple[TryOnNet, list[list[int]]]:
    """The same network with the most important channels of every layer first; its try-ons are the same.

    The importance is L2 magnitude, by which `slimmed` chooses channels too.

    Returns:
        The network, and of each level of its feature pyramids where the channels were before, coarsest first.
    """
    by_importance = ChannelMap(net, MagnitudeImportance(p=2))
    in_order = built(net, choice_of(net))
    with torch.no_grad():
        in_order.load_state_dict(by_importance.cut(net.state_dict(), by_importance.full()))
    orders = [by_importance.axes[axis][0].positions.tolist() for axis in by_importance.pyramid]
    return in_order.to(next(net.parameters()).device).train(net.training), orders


def recalibrate(net: nn.Module, batches: Iterable[tuple[Tensor, ...]]) -> None:
    """Take the batch-norm statistics of `net` anew: the mean over batches; without batches they stay.

    The running statistics of a wider network, or of one whose weights have moved, are not those of its features.
    """
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    training, first = net.training, True
    with torch.no_grad():
        for inputs in batches:
            if first:
                for norm in norms:
                    norm.reset_running_stats()
                    norm.momentum = None  # the mean of all that is seen
                net.train()
                first = False
            net(*inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    net.train(training)
