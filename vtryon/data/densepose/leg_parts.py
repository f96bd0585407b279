"""Legs and feet in DensePose's parts, from their labels; trousers, skirts and long hems are parted between the legs."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8

from vtryon.data.densepose.figure import LEFT, LEG_JOINTS, RIGHT, Figure, among, below
from vtryon.data.files.label_tables import Parse
from vtryon.data.parse import OTHER_CLOTHES, WORN

FEET = (6, 5)  # right, left; DensePose counts the left foot first
THIGHS, SHINS = ((9, 10), (7, 8)), ((13, 14), (11, 12))  # seen from the front, from the back; each right, left
LEG_LABELS, SHOE_LABELS = (Parse.RIGHT_LEG, Parse.LEFT_LEG), (Parse.RIGHT_SHOE, Parse.LEFT_SHOE)
THIGH = 1.35  # from hip to knee where the knee is missing, in units of the figure
BAND = 0.36  # width of a thigh under a long garment, likewise


def draw_legs(body_parts: UInt8[np.ndarray, "h w"], labels: UInt8[np.ndarray, "h w"], figure: Figure) -> None:
    """Draw thighs, shins and feet into `body_parts`; right and left by label, by the middle where it has none."""
    y, x = np.nonzero(among(labels, OTHER_CLOTHES) | (among(labels, WORN) & _thighs(labels.shape, figure)))
    right = (x < _middle(y, x, figure)) == figure.facing
    for body_side, label in enumerate(LEG_LABELS):
        right[labels[y, x] == label] = body_side == RIGHT
    above_knee = y < np.where(right, _knee_height(figure, RIGHT), _knee_height(figure, LEFT))
    view = 0 if figure.facing else 1
    body_parts[y, x] = np.where(above_knee, np.where(right, *THIGHS[view]), np.where(right, *SHINS[view]))
    for body_side, label in enumerate(SHOE_LABELS):
        body_parts[labels == label] = FEET[body_side]


def _thighs(size: tuple[int, int], figure: Figure) -> Bool[np.ndarray, "h w"]:
    """Where a long garment hides the thighs: a band from each hip to its knee."""
    bands = np.zeros(size, np.uint8)
    for ids in LEG_JOINTS:
        hip, knee, _ = figure.joints[list(ids)]
        if np.isnan(hip).any():
            continue
        if np.isnan(knee).any():
            knee = below(hip, THIGH * figure.unit)
        hip_pixel, knee_pixel = (tuple(np.rint(joint).astype(int).tolist()) for joint in (hip, knee))
        cv2.line(bands, hip_pixel, knee_pixel, 1, max(1, round(BAND * figure.unit)))
    return bands > 0


def _middle(y: Shaped[np.ndarray, "n"], x: Shaped[np.ndarray, "n"], figure: Figure) -> Float[np.ndarray, "n"] | float:
    """The column between the legs in the rows `y`: on the line from between the hips to between the knees."""
    hips, knees, _ = (figure.joints[list(LEG_JOINTS[RIGHT])] + figure.joints[list(LEG_JOINTS[LEFT])]) / 2
    if np.isnan(hips).any():
        return float(x.mean()) if len(x) else 0.0
    if np.isnan(knees).any():
        return float(hips[0])
    return hips[0] + (knees[0] - hips[0]) * (y - hips[1]) / max(knees[1] - hips[1], 1.0)


def _knee_height(figure: Figure, body_side: int) -> float:
    """The row of a knee; the bottom of the picture where the pose has no leg."""
    hip, knee, _ = figure.joints[list(LEG_JOINTS[body_side])]
    row = hip[1] + THIGH * figure.unit if np.isnan(knee).any() else knee[1]
    return float(np.nan_to_num(row, nan=np.inf))
