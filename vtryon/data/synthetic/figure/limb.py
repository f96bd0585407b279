"""An arm as a ribbon: places on it have a position along and a distance across, whatever its bend."""

from typing import NamedTuple

import numpy as np

ELBOW = 14.0  # radius in units of the arc that rounds an elbow; wider than half a sleeve, so a ribbon never folds


class Bend(NamedTuple):
    """Two bones and the arc between them."""

    upper: np.ndarray
    lower: np.ndarray
    sign: float
    angle: float
    inward: np.ndarray  # across the upper bone, to the inside of the bend
    inward_after: np.ndarray
    first: np.ndarray  # where the arc starts
    last: np.ndarray  # where it ends
    hinge: np.ndarray  # its centre
    arc_start: float  # length before the arc
    length: float

    @classmethod
    def of(cls, joints: np.ndarray) -> "Bend":
        bones = np.diff(joints, axis=0)
        lengths = np.linalg.norm(bones, axis=1)
        upper, lower = bones / lengths[:, None]
        cross = upper[0] * lower[1] - upper[1] * lower[0]
        sign = 1.0 if cross >= 0 else -1.0
        angle = float(np.arctan2(abs(cross), upper @ lower))
        leg = ELBOW * np.tan(angle / 2)
        inward, inward_after = (sign * np.array([-bone[1], bone[0]]) for bone in (upper, lower))
        first = joints[1] - leg * upper
        length = lengths.sum() - 2 * leg + ELBOW * angle
        return cls(upper, lower, sign, angle, inward, inward_after, first, joints[1] + leg * lower,
                   first + ELBOW * inward, float(lengths[0] - leg), float(length))  # fmt: skip


class Arm(NamedTuple):
    """Two straight bones joined by an arc that cuts the corner at the elbow."""

    picture_side: int  # -1: on the left of the picture
    joints: np.ndarray  # (3, 2) shoulder, elbow, wrist, in units
    radii: np.ndarray  # (3,) half-widths there
    hand: float  # direction of the hand, radians from straight down towards the right
    bend: Bend

    @classmethod
    def make(cls, picture_side: int, joints: np.ndarray, radii: np.ndarray, hand: float = 0.0) -> "Arm":
        return cls(picture_side, joints, radii, hand, Bend.of(joints))

    def line(self, t: float | np.ndarray) -> np.ndarray:
        """The centre line: t = 0 shoulder, 2 wrist and about 1 elbow, straight beyond."""
        bend = self.bend
        s = np.asarray(t)[..., None] * (bend.length / 2)
        angle = np.clip((s - bend.arc_start) / ELBOW, 0, bend.angle)
        arc = bend.hinge + ELBOW * (np.sin(angle) * bend.upper - np.cos(angle) * bend.inward)
        arc_end = bend.arc_start + ELBOW * bend.angle
        return arc + np.minimum(s - bend.arc_start, 0) * bend.upper + np.maximum(s - arc_end, 0) * bend.lower

    def locate(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inverse of `line`: t of the nearest place, and the distance from it, positive on the outer side."""
        bend = self.bend
        past_first = (points - bend.first) @ bend.upper
        past_last = (points - bend.last) @ bend.lower
        spoke = points - bend.hinge
        angle = np.clip(np.arctan2(spoke @ bend.upper, -spoke @ bend.inward), 0, bend.angle)
        arc_end = bend.arc_start + ELBOW * bend.angle
        along = np.stack([bend.arc_start + past_first, arc_end + past_last, bend.arc_start + ELBOW * angle])
        inner = np.stack([(points - bend.first) @ bend.inward, (points - bend.last) @ bend.inward_after,
                          ELBOW - np.linalg.norm(spoke, axis=-1)])  # fmt: skip
        valid = np.stack([past_first < 0, past_last > 0, (past_first >= 0) & (past_last <= 0)])
        best = np.where(valid, np.abs(inner), np.inf).argmin(axis=0)[None]
        s, inner = (np.take_along_axis(along, best, 0)[0], np.take_along_axis(inner, best, 0)[0])
        return 2 * s / bend.length, -self.picture_side * bend.sign * inner

    def outer(self, t: float | np.ndarray) -> np.ndarray:
        """Unit vectors across the limb, away from the body for a hanging arm."""
        angle = np.clip((np.asarray(t) * (self.bend.length / 2) - self.bend.arc_start) / ELBOW, 0, self.bend.angle)[
            ..., None
        ]
        along = np.cos(angle) * self.bend.upper + np.sin(angle) * self.bend.inward
        return along[..., ::-1] * (self.picture_side, -self.picture_side)

    def radius(self, t: float | np.ndarray) -> float | np.ndarray:
        return np.interp(t, (0, 1, 2), self.radii)
