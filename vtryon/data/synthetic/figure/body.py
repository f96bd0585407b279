"""The geometry that a person and a flat garment share: a torso, two arms, and how poses and shapes vary."""

from typing import NamedTuple

import numpy as np

from vtryon.data.synthetic.canvas import DOWN, smooth
from vtryon.data.synthetic.figure.limb import Arm

LEVELS = (
    0.24,
    0.40,
    0.60,
    0.80,
    1.0,
    1.2,
)  # of a torso, from the neck's base: armpit, chest, waist, high hip, hip, thigh
SIDES = (-1, 1)  # of the picture: left (the person's right) and right


class Torso(NamedTuple):
    """A spine with half-widths, in units; `v` runs down the spine from 0 at the neck's base to 1 at the hips."""

    neck: np.ndarray
    pelvis: np.ndarray
    tilt: float  # slope of the shoulder line
    neck_half: float
    neck_length: float
    shoulder: float  # half-width to the seam of a sleeve
    drop: float  # of the shoulder below the neck's base
    widths: tuple[float, ...]  # half-widths at LEVELS

    def at(self, u: float | np.ndarray, v: float | np.ndarray) -> np.ndarray:
        """The point `u` units to the right of the spine at height `v`."""
        tilted = self.tilt * np.maximum(1 - v, 0)
        x = self.neck[0] + (self.pelvis[0] - self.neck[0]) * v + u
        y = self.neck[1] + (self.pelvis[1] - self.neck[1]) * v + u * tilted
        return np.stack([x, y], axis=-1)

    def half(self, v: float | np.ndarray) -> float | np.ndarray:
        return np.interp(v, LEVELS, self.widths)


class Body(NamedTuple):
    torso: Torso
    arms: tuple[Arm, Arm]  # in the order of SIDES
    head: np.ndarray  # centre of the head
    head_size: np.ndarray  # its half-width and half-height
    head_tilt: float
    male: float  # 0..1, moves shoulders, waist, neck and jaw

    def on_head(self, points: np.ndarray | list) -> np.ndarray:
        """Head coordinates (x in half-widths, y in half-heights, 0 between the eyes) to units."""
        cos, sin = np.cos(self.head_tilt), np.sin(self.head_tilt)
        return (np.asarray(points, float) * self.head_size) @ np.array([(cos, sin), (-sin, cos)]) + self.head


def sample_body(rng: np.random.Generator) -> Body:
    """A standing figure from the front, cut at the thighs."""
    male = float(rng.random() < 0.4) * rng.uniform(0.7, 1.0)
    stout = rng.uniform(-0.6, 1.0)
    centre = 96 + rng.uniform(-4, 4)
    neck = np.array([centre + rng.uniform(-3.5, 3.5), 79 + rng.uniform(-2, 2)])
    pelvis = np.array([centre, 192 + rng.uniform(-3, 3)])
    widths = np.array([28.5, 29.5, 25, 29, 33.5, 34]) + stout * np.array([1.5, 2, 4, 3.5, 2.5, 2])
    widths += male * np.array([3, 3, 4, 1, -2, -2])
    torso = Torso(
        neck=neck,
        pelvis=pelvis,
        tilt=rng.uniform(-0.05, 0.05),
        neck_half=9.4 + 2.2 * male + 0.5 * stout,
        neck_length=15.0,
        shoulder=36.5 + 4 * male + stout,
        drop=9.5 + rng.uniform(-1, 1),
        widths=tuple(widths),
    )
    arms = tuple(_sample_arm(rng, torso, picture_side, 8.4 + 1.2 * male + 0.9 * stout) for picture_side in SIDES)
    head = torso.at(rng.uniform(-1.5, 1.5), 0.0) + (-36.5 - male) * DOWN
    size = np.array([17.8 + 0.6 * male + 0.5 * stout, 23.4 + 0.6 * male])
    return Body(torso, arms, head, size, rng.uniform(-0.06, 0.06), male)


def shoulder_joint(torso: Torso, picture_side: int, radius: float) -> np.ndarray:
    """An arm hangs clear of the armpit: its inner edge starts where the torso's side starts."""
    return torso.at(picture_side * (torso.widths[0] + radius * 0.68), 0.24) - 0.085 * (torso.pelvis - torso.neck)


def _sample_arm(rng: np.random.Generator, torso: Torso, picture_side: int, thick: float) -> Arm:
    pose = rng.choice(["down", "pocket", "akimbo", "raised", "crossing"], p=[0.38, 0.22, 0.2, 0.08, 0.12])
    (upper, lower, foreshortening) = {  # degrees outwards from straight down, of upper arm and forearm
        "down": (rng.uniform(9, 17), rng.uniform(-2, 9), 1.0),
        "pocket": (rng.uniform(16, 26), rng.uniform(-22, -8), 0.96),
        "akimbo": (rng.uniform(36, 48), rng.uniform(-56, -42), 0.94),
        "raised": (rng.uniform(50, 62), rng.uniform(168, 184), 0.84),
        "crossing": (rng.uniform(10, 17), rng.uniform(-88, -68), 0.86),
    }[pose]
    turn = {"down": rng.uniform(-10, 5), "pocket": 5, "akimbo": 30, "raised": -6, "crossing": 6}[pose]
    shoulder = shoulder_joint(torso, picture_side, thick)
    elbow = shoulder + 50 * foreshortening**0.3 * _direction(picture_side, upper)
    wrist = elbow + 45 * foreshortening * _direction(picture_side, lower)
    radii = thick * np.array([1.0, 0.76, 0.54])
    return Arm.make(picture_side, np.stack([shoulder, elbow, wrist]), radii, np.radians(picture_side * (lower + turn)))


def _direction(picture_side: int, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.array([picture_side * np.sin(angle), np.cos(angle)])


def trunk_outline(body: Body) -> np.ndarray:
    """Neck, shoulders and torso as skin."""
    torso, halves = body.torso, []
    for picture_side in SIDES:
        base = torso.at(picture_side * torso.neck_half, 0)
        tip = torso.at(picture_side * torso.shoulder, 0) + (torso.drop + 1) * DOWN
        neck = torso.at(picture_side * 0.9 * torso.neck_half, -(torso.neck_length + 6) / 113)
        above = torso.at(picture_side * 0.98 * torso.neck_half, -0.06)
        slope = (base + tip) / 2 + 0.8 * DOWN
        levels = [torso.at(picture_side * torso.half(v), v) for v in LEVELS]
        collar = torso.at(picture_side * (torso.neck_half + 1.5), -0.003)
        halves.append(smooth([neck, above, collar, slope, tip, *levels], closed=False))
    return np.concatenate([halves[0], halves[1][::-1]])
