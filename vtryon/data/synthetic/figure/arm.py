"""An arm's skin: limb, palm, fingers and thumb as one surface."""

import numpy as np

from vtryon.data.synthetic.canvas import DOWN, Canvas, Patch, smooth
from vtryon.data.synthetic.figure.limb import Arm

PALM = np.array(
    [(-4.3, -3.0), (-4.9, 3.5), (-4.5, 8.0), (-4.1, 11.0), (4.0, 10.5), (4.5, 7.0), (4.7, 3.0), (4.2, -3.0)]
)
THUMB = np.array([(-3.2, 2.0), (-6.0, 5.0), (-6.6, 9.0), (-5.4, 11.2), (-4.3, 8.5), (-2.5, 8.0)])
FINGERS = np.array(
    [(-3.0, 16.6), (-1.0, 18.6), (1.1, 18.2), (3.0, 15.8)]
)  # tips; they start from the palm's lower edge


def hand_frame(arm: Arm):
    """A function to units from hand coordinates: away from the body, along the hand, for a wrist 9.6 wide."""
    down = np.array([np.sin(arm.hand), np.cos(arm.hand)])
    across = arm.picture_side * np.array([down[1], -down[0]])
    size = arm.radii[2] / 4.8
    return lambda points: arm.joints[2] + size * (np.asarray(points) @ np.stack([across, down]))


def arm_skin(canvas: Canvas, arm: Arm, first_t: float) -> tuple[Patch, list[Patch]]:
    """Skin from `first_t` (as in Arm.line) to the finger tips, and the creases between the fingers."""
    to_units, size = hand_frame(arm), arm.radii[2] / 4.8
    t = np.linspace(first_t, 2.0, 80)
    bulge = 1 + 0.05 * np.sin(np.pi * np.clip(t, 0, 1)) + 0.12 * np.sin(np.pi * np.clip(t - 1, 0, 1)) ** 2
    limb = canvas.discs(arm.line(t), arm.radius(t) * bulge)
    palm = canvas.polygon(smooth(to_units(PALM)), smooth(to_units(THUMB)))
    fingers = [canvas.line(to_units([(x * 0.95, 9.0), (x, y)]), 2.3 * size) for x, y in FINGERS]
    patch = canvas.union(limb, palm, *fingers)
    between = (FINGERS[1:] + FINGERS[:-1]) / 2
    return patch, [canvas.line(to_units([(x * 0.95, 10.5), (x, y - 1.5)]), 0.6) for x, y in between]


def hand_outline(arm: Arm) -> np.ndarray:
    """The hand as one outline, without gaps between fingers."""
    return smooth(hand_frame(arm)(np.concatenate([PALM[:4], FINGERS + DOWN, PALM[4:]])))
