"""The joints of an arm, completed from its label where the pose lacks some."""

import numpy as np
from jaxtyping import Bool, Float

from vtryon.data.densepose.figure import ARM_JOINTS, Figure

HAND_LENGTH = 0.5  # in forearms
STRETCHED = (0.42, 0.78)  # where elbow and wrist lie between shoulder and finger tips of a stretched arm
SHORT = 1.0  # a label that reaches less far from the shoulder, in units of the figure, shows an upper arm alone
SPECK = 0.02  # a label of fewer pixels, in squared units of the figure, tells nothing; a hand has about 0.07
CLEAR = 0.16  # what is farther from the upper arm's bone, in units of the figure, belongs to the forearm

Point = Float[np.ndarray, "2"]
Points = Float[np.ndarray, "n 2"]


def arm_joints(arm_mask: Bool[np.ndarray, "h w"], figure: Figure, body_side: int) -> Float[np.ndarray, "j 2"] | None:
    """Shoulder, elbow and wrist of the arm whose label fills `arm_mask`; no wrist, or None, where nothing tells."""
    shoulder, elbow, wrist = figure.joints[list(ARM_JOINTS[body_side])]
    pixels = np.argwhere(arm_mask)[:, ::-1].astype(np.float32)
    if len(pixels) < SPECK * figure.unit**2:
        pixels = pixels[:0]
    if not _known(shoulder):
        if len(pixels) == 0:
            return None
        shoulder = pixels[0]  # the topmost
    if not _known(elbow) and _known(wrist):
        elbow = (shoulder + wrist) / 2
    if _known(wrist):
        return np.stack([shoulder, elbow, wrist])
    if _known(elbow):
        return _with_wrist(pixels, shoulder, elbow, figure.unit, arm_mask.shape)
    return _stretched(pixels, shoulder, figure.unit)


def _with_wrist(pixels: Points, shoulder: Point, elbow: Point, unit: float, size: tuple) -> Float[np.ndarray, "j 2"]:
    """The forearm points to the pixel of the label that is farthest from the elbow and not on the upper arm."""
    bone = elbow - shoulder
    along = np.clip((pixels - shoulder) @ bone / max(float(bone @ bone), 1e-6), 0, 1)
    off = np.hypot(*(pixels - shoulder - along[:, None] * bone).T)
    forearm = pixels[off > CLEAR * unit]
    if len(forearm) == 0:
        return np.stack([shoulder, elbow])
    tip = forearm[np.hypot(*(forearm - elbow).T).argmax()]
    cut = (tip < 1).any() or (tip > np.array(size[::-1]) - 2).any()  # the picture ends before the hand
    return np.stack([shoulder, elbow, elbow + (tip - elbow) / (1.0 if cut else 1 + HAND_LENGTH)])


def _stretched(pixels: Points, shoulder: Point, unit: float) -> Float[np.ndarray, "j 2"] | None:
    """An arm of which the shoulder alone is known, towards the farthest pixel of its label."""
    if len(pixels) == 0:
        return None
    reach = np.hypot(*(pixels - shoulder).T)
    arm = pixels[reach.argmax()] - shoulder
    if reach.max() < SHORT * unit:
        return np.stack([shoulder, shoulder + arm])
    return np.stack([shoulder, *(shoulder + share * arm for share in STRETCHED)])


def _known(joint: Point) -> bool:
    return not np.isnan(joint).any()
