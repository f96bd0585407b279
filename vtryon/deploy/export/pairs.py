"""Pairs of a person and a garment, from which int8 ranges are learnt and by which exported files are checked."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.sample import make_person, make_shop, reduce, to_uint8, wear
from vtryon.utils.image import from_uint8

Pair = tuple[Float[Tensor, "1 3 h w"], Float[Tensor, "1 3 h w"], Float[Tensor, "1 1 h w"]]  # person, cloth, cloth_edge
CALIBRATION, JUDGED = 64, 16  # pairs from which int8 learns its ranges, and others by which it is judged


class Judged(NamedTuple):
    """Pairs by which an exported file is compared with its network."""

    pairs: Sequence[Pair]
    names: Sequence[str]  # of the pairs
    source: str  # where they are from, for people


def drawn_pairs(size: tuple[int, int], count: int = 2) -> list[Pair]:
    """Procedural people in other garments than their own, at (height, width)."""
    frame = Frame.of(size)
    return [_drawn(index, frame) for index in range(count)]


def drawn_judged(size: tuple[int, int], count: int = 2, source: str = "procedural pictures") -> Judged:
    """`drawn_pairs` to judge by."""
    return Judged(drawn_pairs(size, count), [f"drawn person {index}" for index in range(count)], source)


def _drawn(index: int, frame: Frame) -> Pair:
    person = make_person(0, 0, index, frame)
    worn = wear(person, make_shop(0, 0, index, frame), frame)
    shop = make_shop(0, 0, index + 1000, frame)  # another garment than the one worn
    edge = torch.from_numpy(reduce(shop.mask, frame) > 0.5)[None, None].float()
    return _picture(worn.image), _picture(to_uint8(shop.image, frame)), edge


def _picture(image: np.ndarray) -> Tensor:
    return from_uint8(torch.from_numpy(image).permute(2, 0, 1)[None])
