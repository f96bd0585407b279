"""Networks from a supernet: the file of one, and any of its widths as a compression method."""

import os
from collections.abc import Iterable

from vtryon.compression.importance import Loss
from vtryon.compression.method import CompressionMethod
from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.widths import WidthSpace, choice_of
from vtryon.data.files.fingerprint import alike
from vtryon.data.sample import worn_otherwise
from vtryon.models.checkpoint import load_net
from vtryon.models.tryon import TryOnNet


class FromSupernet(CompressionMethod):
    """The network of the supernet at `path` that has the widths of the run's network, whose own weights do not count.

    Its batch-norm statistics are those of the training batches that the method is given.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = path

    def __call__(self, net: TryOnNet, batches: Iterable = (), loss: Loss | None = None) -> TryOnNet:
        """
        Raises:
            ValueError: the file is no supernet's, or holds no network of these widths.
        """
        return load_supernet(self.path).extract(choice_of(net), map(worn_otherwise, batches))


def load_supernet(path: str | os.PathLike) -> Supernet:
    """The supernet that a run of `training=slimmable` left.

    Raises:
        ValueError: the file holds one network only.
    """
    try:
        return supernet_of(load_net(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def supernet_of(net: TryOnNet) -> Supernet:
    """The supernet whose widest network is `net`, as it was loaded.

    Raises:
        ValueError: it holds no other networks.
    """
    if net.held_widths is None:
        raise ValueError("holds one network, no supernet; the file of one comes from vtryon run experiment=slimmable")
    return Supernet(net, WidthSpace(**net.held_widths))


def refuse_other_data(net: TryOnNet, teacher: TryOnNet, path: str | os.PathLike) -> None:
    """Raise ValueError where one of the two has learnt from drawn people and the other from photographs."""
    of_net, of_teacher = ((known.trained_on or {}).get("name") for known in (net, teacher))
    if not alike(of_net, of_teacher):
        raise ValueError(f"teacher (={path}) has learnt from {of_teacher}, the supernet from {of_net}; take its own")
