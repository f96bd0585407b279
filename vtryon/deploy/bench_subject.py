"""What a benchmark of whole networks measures."""

from typing import NamedTuple

from vtryon.nn.tryon import TryOnNet


class Subject(NamedTuple):
    """A network to measure."""

    name: str
    weights: str  # "random" or "trained"
    net: TryOnNet
    size: tuple[int, int]
