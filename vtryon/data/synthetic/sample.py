"""One procedural sample: who stands there, what is worn, and the pictures and maps at the data set's size."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float16, UInt8

from vtryon.data.synthetic.annotations import body_parts, keypoints
from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.figure.appearance import Look, sample_look
from vtryon.data.synthetic.figure.body import Body, sample_body
from vtryon.data.synthetic.garment.cut import sample_garment
from vtryon.data.synthetic.garment.shop_picture import Shop, draw_shop
from vtryon.data.synthetic.scene import LAYER, draw_person

PERSON, GARMENT = 0, 1  # independent random streams, so that a garment can be made again without its person


class Person(NamedTuple):
    body: Body
    look: Look
    body_parts: np.ndarray  # DensePose on the canvas


class Worn(NamedTuple):
    """A person in a garment at the data set's size."""

    image: UInt8[np.ndarray, "h w 3"]  # RGB
    label: UInt8[np.ndarray, "h w"]  # 0..13
    flow: Float16[np.ndarray, "2 h w"]  # sampling grid in [-1, 1]; NaN where the garment is not seen


def make_person(seed: int, split: int, index: int, frame: Frame) -> Person:
    rng = np.random.default_rng([seed, split, index, PERSON])
    body = sample_body(rng)
    return Person(body, sample_look(rng, body.male), body_parts(body, frame))


def make_shop(seed: int, split: int, index: int, frame: Frame) -> Shop:
    return draw_shop(sample_garment(np.random.default_rng([seed, split, index, GARMENT])), frame)


def wear(person: Person, shop: Shop, frame: Frame) -> Worn:
    scene = draw_person(person.body, person.look, shop, person.body_parts > 0, frame)
    layer = nearest(scene.canvas.layer, frame)
    flow = np.full((frame.height, frame.width, 2), np.nan, np.float32)
    for key, units in scene.maps.items():
        index = (frame.pixels(reduce(units, frame)) + 0.5) / frame.factor - 0.5
        grid = 2 * index / (np.array([frame.width, frame.height]) - 1) - 1
        flow = np.where((layer == LAYER[key])[..., None], grid, flow)
    return Worn(
        to_uint8(scene.canvas.image, frame),
        nearest(scene.canvas.label, frame),
        flow.transpose(2, 0, 1).astype(np.float16),
    )


def pose(person: Person, frame: Frame) -> np.ndarray:
    return keypoints(person.body, frame)


def reduce(canvas: np.ndarray, frame: Frame) -> np.ndarray:
    return cv2.resize(canvas, (frame.width, frame.height), interpolation=cv2.INTER_AREA)


def nearest(canvas: np.ndarray, frame: Frame) -> np.ndarray:
    return canvas[frame.factor // 2 :: frame.factor, frame.factor // 2 :: frame.factor]


def to_uint8(canvas: np.ndarray, frame: Frame) -> np.ndarray:
    return np.clip(reduce(canvas, frame) + 0.5, 0, 255).astype(np.uint8)
