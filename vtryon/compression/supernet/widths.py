"""The widths that a supernet holds, one list for each part of the network, and a choice of one of each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from vtryon.models.afwm import AFWM
from vtryon.models.architecture import differing
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet

Indices = tuple[int, ...]  # of a choice: which entry of each list of widths


class Choice(NamedTuple):
    """The widths of one network of a supernet; the names are those of the networks' arguments."""

    ngf: int
    channels: tuple[int, ...]
    fpn_channels: int
    flow_channels: tuple[int, ...]

    def __str__(self) -> str:
        channels, flow = ("-".join(map(str, widths)) for widths in (self.channels, self.flow_channels))
        return f"ngf={self.ngf} channels={channels} fpn={self.fpn_channels} flow={flow}"


class WidthSpace:
    """All choices of widths: each list is free of the others.

    Args:
        ngf: widths of the generator, ascending.
        channels: a list of widths for each encoder stage.
        fpn_channels: widths of the feature pyramids.
        flow_channels: a list of widths for each hidden layer of the offset heads.

    Raises:
        ValueError: a list is empty, or does not rise.

    Example:
        >>> space = WidthSpace([2, 4], [[4, 8], [8]], [8], [[4], [2]])
        >>> len(space), str(space.narrowest())
        (4, 'ngf=2 channels=4-8 fpn=8 flow=4-2')
    """

    def __init__(
        self,
        ngf: Sequence[int],
        channels: Sequence[Sequence[int]],
        fpn_channels: Sequence[int],
        flow_channels: Sequence[Sequence[int]],
    ):
        self.stages = len(channels)
        self.lists = {"ngf": ngf}
        self.lists |= {f"channels[{stage}]": widths for stage, widths in enumerate(channels)}
        self.lists |= {"fpn_channels": fpn_channels}
        self.lists |= {f"flow_channels[{layer}]": widths for layer, widths in enumerate(flow_channels)}
        self.lists = {name: list(widths) for name, widths in self.lists.items()}
        for name, widths in self.lists.items():
            if not widths or widths[0] < 1 or widths != sorted(set(widths)):
                raise ValueError(f"{name} (={widths}) must be widths of at least 1 in ascending order, each once")

    def __len__(self) -> int:
        """How many networks there are."""
        count = 1
        for widths in self.lists.values():
            count *= len(widths)
        return count

    def as_dict(self) -> dict[str, Any]:
        """The arguments that make this space, as plain JSON."""
        columns = list(self.lists.values())
        return {
            "ngf": columns[0],
            "channels": columns[1 : 1 + self.stages],
            "fpn_channels": columns[1 + self.stages],
            "flow_channels": columns[2 + self.stages :],
        }

    def choice(self, indices: Indices) -> Choice:
        """The choice that takes entry `indices[k]` of list k."""
        ngf, *rest = (widths[index] for widths, index in zip(self.lists.values(), indices, strict=True))
        return Choice(ngf, tuple(rest[: self.stages]), rest[self.stages], tuple(rest[self.stages + 1 :]))

    def indices(self, choice: Choice) -> Indices:
        """Where the widths of a choice stand in the lists.

        Raises:
            ValueError: naming the width that no list holds.
        """
        chosen = (choice.ngf, *choice.channels, choice.fpn_channels, *choice.flow_channels)
        if len(chosen) != len(self.lists):
            raise ValueError(f"{choice} has {len(chosen)} widths, the supernet {len(self.lists)}: {list(self.lists)}")
        for width, (name, widths) in zip(chosen, self.lists.items(), strict=True):
            if width not in widths:
                raise ValueError(f"{name} (={width}) must be one of {widths}, the widths that the supernet holds")
        return tuple(widths.index(width) for width, widths in zip(chosen, self.lists.values(), strict=True))

    def widest(self) -> Choice:
        return self.choice(tuple(len(widths) - 1 for widths in self.lists.values()))

    def narrowest(self) -> Choice:
        return self.choice((0,) * len(self.lists))

    def draw(self, generator: torch.Generator | None = None) -> Choice:
        """A choice at random, each list by itself; without a generator from torch's own random state."""
        counts = [len(widths) for widths in self.lists.values()]
        return self.choice(tuple(int(torch.randint(count, (), generator=generator)) for count in counts))

    def ladder(self, steps: int) -> Iterator[Choice]:
        """`steps` choices from the narrowest to the widest, all lists rising together."""
        for step in range(steps):
            far = step / max(steps - 1, 1)
            yield self.choice(tuple(round(far * (len(widths) - 1)) for widths in self.lists.values()))


def choice_of(net: TryOnNet) -> Choice:
    """The widths of a network that is as its arguments make it.

    Raises:
        ValueError: the network was pruned, so that its arguments do not say its widths.
    """
    with torch.device("meta"):
        pruned = differing(net, TryOnNet(AFWM(**net.warp.architecture), ResUnetGenerator(**net.generator.architecture)))
    if pruned:
        raise ValueError(f"{next(iter(pruned))}: a pruned network has no widths to choose; take one that is not pruned")
    warp = net.warp.architecture
    return Choice(
        net.generator.architecture["ngf"],
        tuple(warp["channels"]),
        warp["fpn_channels"],
        tuple(warp["flow_channels"]),
    )


def built(net: TryOnNet, choice: Choice) -> TryOnNet:
    """A network like `net` in the widths of a choice, its weights at random."""
    warp: Mapping[str, Any] = net.warp.architecture | {
        "channels": choice.channels,
        "fpn_channels": choice.fpn_channels,
        "flow_channels": choice.flow_channels,
    }
    narrow = TryOnNet(AFWM(**warp), ResUnetGenerator(**(net.generator.architecture | {"ngf": choice.ngf})))
    narrow.trained_on = net.trained_on
    return narrow
