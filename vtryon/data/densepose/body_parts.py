"""DensePose's 25 parts drawn from parse labels and pose, for folders that have no DensePose.

The parts are the body under its clothes. Trunk, neck and sleeved arms follow the pose more than the garment, so that
they tell a network little of the garment worn. Measured against true parts in `tests/data/test_body_parts.py`.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from vtryon.data.densepose.arm_parts import draw_arms
from vtryon.data.densepose.figure import ARM_JOINTS, EARS, EYES, LEFT, NECK, NOSE, RIGHT, Figure, among, below
from vtryon.data.densepose.leg_parts import draw_legs
from vtryon.data.files.label_tables import Parse
from vtryon.data.parse import FACE, OTHER_CLOTHES, WORN

TORSO_BACK, TORSO_FRONT = 1, 2
HEAD = (23, 24)  # right, left
# (way from neck to hips, half-width in units of the figure) from the collar to the crotch
TRUNK = ((-0.14, 0.15), (-0.07, 0.30), (0.03, 0.50), (0.30, 0.44), (0.65, 0.40), (1.0, 0.47), (1.05, 0.47), (1.17, 0.0))
FIRM = 0.75  # share of the trunk's width that is body whatever its label: necklines and bare bellies have none
NARROW = 0.65  # width of a trunk seen from its side, in widths seen from the front
OVER_TRUNK = (*WORN, *FACE, *OTHER_CLOTHES)  # labels that may lie over a trunk
SKULL = (0.30, 0.44)  # half-width and half-height of an ellipse around the eyes, in units of the figure
NECK_HALF, NECK_TOP, NECK_BASE = 0.14, 0.2, 0.2  # half-width, top below the eyes, base above the joint, likewise


def draw_body_parts(labels: UInt8[np.ndarray, "h w"], keypoints: Float[np.ndarray, "18 2"]) -> UInt8[np.ndarray, "h w"]:
    """The part 0..24 of every pixel, from the labels of `label_tables.Parse` and OpenPose's 18 keypoints.

    `keypoints` are x and y in pixels of `labels`, (0, 0) where one is missing; without any the labels alone decide.
    """
    figure = Figure.of(labels, keypoints)
    body_parts = np.zeros(labels.shape, np.uint8)
    draw_legs(body_parts, labels, figure)
    _draw_torso(body_parts, labels, figure)
    _draw_head(body_parts, labels, figure)
    draw_arms(body_parts, labels, figure)
    return body_parts


def _draw_torso(body_parts: UInt8[np.ndarray, "h w"], labels: UInt8[np.ndarray, "h w"], figure: Figure) -> None:
    """The trunk by pose, at its flanks within labelled body; all of the upper clothes where the pose lacks it."""
    torso = TORSO_FRONT if figure.facing else TORSO_BACK
    neck, spine = figure.joints[NECK], figure.hips - figure.joints[NECK]
    if np.isnan(spine).any():
        body_parts[among(labels, WORN)] = torso
        return
    shoulders = np.hypot(*(figure.joints[ARM_JOINTS[LEFT][0]] - figure.joints[ARM_JOINTS[RIGHT][0]]))
    width = np.fmax(NARROW * figure.unit, shoulders)
    across = np.array([spine[1], -spine[0]]) / max(np.hypot(*spine), 1.0)
    down, half = np.array(TRUNK).T[:, :, None]

    def outline(share: float) -> Bool[np.ndarray, "h w"]:
        middle, flank = neck + down * spine, share * half * width * across
        return _polygon(np.concatenate([middle - flank, (middle + flank)[::-1]]), labels.shape)

    body_parts[outline(FIRM) | (outline(1.0) & among(labels, OVER_TRUNK))] = torso
    waist = slice(0, max(0, round(float(figure.hips[1]))))
    body_parts[waist][labels[waist] == Parse.PANTS] = torso


def _draw_head(body_parts: UInt8[np.ndarray, "h w"], labels: UInt8[np.ndarray, "h w"], figure: Figure) -> None:
    """Face, the hair around it and the neck, which has no label; long hair shows what it lies on."""
    face = labels == Parse.FACE
    eyes = _eyes(face, figure)
    if eyes is None:
        return
    skull = np.zeros(labels.shape, np.uint8)
    centre, axes = (np.rint(16 * np.array(pair)).astype(int).tolist() for pair in (eyes, np.array(SKULL) * figure.unit))
    cv2.ellipse(skull, centre, axes, 0, 0, 360, 1, cv2.FILLED, cv2.LINE_8, 4)
    head = ((skull > 0) & among(labels, FACE)) | (face & (body_parts == 0))
    neck = figure.joints[NECK]
    if np.isnan(neck).any():
        neck = below(eyes, 0.7 * figure.unit)
    base, half = below(neck, -NECK_BASE * figure.unit), np.array([NECK_HALF * figure.unit, 0])
    top = below(eyes, NECK_TOP * figure.unit)
    head |= _polygon(np.stack([top - half, top + half, base + half, base - half]), labels.shape)
    y, x = np.nonzero(head)
    nose = eyes if np.isnan(figure.joints[NOSE]).any() else figure.joints[NOSE]
    middle = nose[0] + (neck[0] - eyes[0]) * (y - nose[1]) / max(neck[1] - eyes[1], 1.0)
    body_parts[y, x] = np.where((x < middle) == figure.facing, HEAD[RIGHT], HEAD[LEFT])


def _eyes(face: Bool[np.ndarray, "h w"], figure: Figure) -> Float[np.ndarray, "2"] | None:
    """The point between the eyes, else between the ears, else the nose or the middle of the face's label."""
    for ids in (EYES, EARS, (NOSE,)):
        point = figure.joints[list(ids)].mean(axis=0)
        if not np.isnan(point).any():
            return point
    return np.argwhere(face).mean(axis=0)[::-1] if face.any() else None


def _polygon(points: Float[np.ndarray, "n 2"], size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.rint(16 * points).astype(np.int32)], 1, cv2.LINE_8, 4)
    return mask > 0
