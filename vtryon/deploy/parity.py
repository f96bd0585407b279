"""How far what an engine says is from what the network says that it was made of."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.sample import make_person, make_shop, reduce, to_uint8, wear
from vtryon.nn.image import from_uint8

FLOW_PX, IMAGE = 0.01, 1e-4  # the largest distances that an exact export may have
Pair = tuple[Float[Tensor, "1 3 h w"], Float[Tensor, "1 3 h w"], Float[Tensor, "1 1 h w"]]  # person, cloth, cloth_edge
Answer = tuple[np.ndarray, np.ndarray]  # image, flow


class Distance(NamedTuple):
    """Over all pairs; the flow in pixels of the picture, x and y apart, the image in its own range of 2."""

    flow_max_px: float
    flow_mean_px: float
    image_max: float
    image_mean: float


def drawn_pairs(size: tuple[int, int], count: int = 2) -> list[Pair]:
    """Procedural people and garments, of which no network knows more than of others; (height, width)."""
    frame = Frame.of(size)
    return [_drawn(index, frame) for index in range(count)]


def answers(said_by: Callable, pairs: Sequence[Pair]) -> list[Answer]:
    """What a network in evaluation mode, or a runtime, says."""
    with torch.no_grad():
        spoken = [said_by(*pair) for pair in pairs]
    return [(answer.image.float().numpy(), answer.flow.float().numpy()) for answer in spoken]


def distance(said: Sequence[Answer], expected: Sequence[Answer]) -> Distance:
    """Largest and mean distance between two lists of answers to the same pairs."""
    image, flow = [], []
    for (image_said, flow_said), (true_image, true_flow) in zip(said, expected, strict=True):
        image.append(np.abs(image_said - true_image))
        flow.append(np.abs(flow_said - true_flow) * _half_sides(true_flow))
    return Distance(*(float(value) for each in (flow, image) for value in (np.max(each), np.mean(each))))


def check_parity(found: Distance) -> None:
    """Raise ValueError where the graph does not say what the network says; a NaN is no answer either."""
    if not (found.flow_max_px <= FLOW_PX and found.image_max <= IMAGE):
        raise ValueError(
            f"the exported graph is off by flow={found.flow_max_px:.2g} px (at most {FLOW_PX}) and "
            f"image={found.image_max:.2g} (at most {IMAGE}) from the network: no file was written"
        )


def _half_sides(flow: np.ndarray) -> np.ndarray:
    height, width = flow.shape[2:]
    return np.array([(width - 1) / 2, (height - 1) / 2], np.float32).reshape(1, 2, 1, 1)


def _drawn(index: int, frame: Frame) -> Pair:
    person = make_person(0, 0, index, frame)
    worn = wear(person, make_shop(0, 0, index, frame), frame)
    shop = make_shop(0, 0, index + 1000, frame)  # another garment than the one worn
    edge = torch.from_numpy(reduce(shop.mask, frame) > 0.5)[None, None].float()
    return _picture(worn.image), _picture(to_uint8(shop.image, frame)), edge


def _picture(image: np.ndarray) -> Tensor:
    return from_uint8(torch.from_numpy(image).permute(2, 0, 1)[None])
