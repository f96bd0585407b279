"""What a parser, DensePose and OpenPose would say about a person, known exactly because we drew it."""

import numpy as np

from vtryon.data.synthetic.canvas import DOWN, Canvas, Frame
from vtryon.data.synthetic.figure.arm import hand_outline
from vtryon.data.synthetic.figure.body import SIDES, Body, trunk_outline
from vtryon.data.synthetic.figure.face import face_outline
from vtryon.data.synthetic.figure.limb import Arm
from vtryon.data.synthetic.figure.lower_body import leg_outline

# DensePose's I index by side of the picture: a person seen from the front has the right arm on the left.
TORSO = 2
THIGH, HAND, HEAD = {-1: 9, 1: 10}, {-1: 3, 1: 4}, {-1: 23, 1: 24}
UPPER_ARM, FOREARM = ({-1: (16, 18), 1: (15, 17)}, {-1: (20, 22), 1: (19, 21)})  # inner, outer half


def body_parts(body: Body, frame: Frame) -> np.ndarray:
    """DensePose parts 0..24 of the body under its clothes, on the canvas."""
    canvas = Canvas(frame)

    def put(patch, body_part):
        canvas.label[patch.box][patch.alpha > 0.5] = body_part

    for picture_side in SIDES:
        put(canvas.polygon(leg_outline(body, picture_side)), THIGH[picture_side])
    put(canvas.polygon(trunk_outline(body)), TORSO)
    for picture_side in SIDES:
        half = face_outline(body.male) * (1.04, 1.08)
        half[:, 0] = picture_side * np.maximum(picture_side * half[:, 0], 0)
        put(canvas.polygon(body.on_head(half)), HEAD[picture_side])
        neck = np.array([(0, 0.8), (picture_side * 0.52, 0.8), (picture_side * 0.52, 1.42), (0, 1.5)])
        put(canvas.polygon(body.on_head(neck)), HEAD[picture_side])
    for arm in body.arms:
        for points, body_part in _arm_parts(arm):
            put(canvas.polygon(points), body_part)
    return canvas.label


def _arm_parts(arm: Arm):
    for first_t, last_t, halves in ((-0.12, 1.0, UPPER_ARM), (1.0, 2.0, FOREARM)):
        t = np.linspace(first_t, last_t, 20)
        edge = arm.outer(t) * (arm.radius(t) * np.where(t < 0, 0.75, 1.04))[:, None]
        for sign, body_part in zip((-1, 1), halves[arm.picture_side], strict=True):
            yield np.concatenate([arm.line(t), (arm.line(t) + sign * edge)[::-1]]), body_part
    yield hand_outline(arm), HAND[arm.picture_side]


def keypoints(body: Body, frame: Frame) -> np.ndarray:
    """OpenPose's 18 COCO points as (x, y, confidence) in picture pixels; zeros for those outside the picture."""
    torso, (right, left) = body.torso, body.arms
    face = body.on_head([(0, 0.3), (-0.42, 0), (0.42, 0), (-1.0, 0.05), (1.0, 0.05)])
    legs = {}
    for picture_side in SIDES:
        legs[picture_side] = [torso.at(picture_side * u, v) for u, v in ((17, 1.06), (18, 1.95), (18, 2.8))]
    neck = (right.joints[0] + left.joints[0]) / 2 - 4 * DOWN
    arms = [arm.line(np.arange(3.0)) for arm in body.arms]  # an elbow on the skin, not the bones' corner
    points = np.stack([face[0], neck, *arms[0], *arms[1], *legs[-1], *legs[1], *face[1:]])
    pixels = (frame.pixels(points) + 0.5) / frame.factor - 0.5
    inside = ((pixels >= 0) & (pixels <= np.array([frame.width, frame.height]) - 1)).all(axis=1)
    return np.column_stack([pixels, np.ones(len(pixels))]) * inside[:, None]
