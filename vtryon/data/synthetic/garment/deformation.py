"""The known deformation: for every point of a person, where in the shop picture the garment there comes from.

A thin-plate spline carries the torso through landmarks that a body and a flat garment share (Bookstein, PAMI 1989); a
sleeve is a ribbon along its arm. Both agree at the armhole and are blended across it, so that the garment is one cloth,
while a sleeve that crosses the torso is a layer of its own. A spline for the sleeves was tried and dropped: it folds at
a bent elbow.
"""

from typing import NamedTuple

import numpy as np

from vtryon.data.synthetic.canvas import DOWN, Frame
from vtryon.data.synthetic.figure.body import LEVELS, SIDES, Torso
from vtryon.data.synthetic.figure.limb import Arm

BLEND = 14.0  # width in units over which torso and sleeve share the cloth at an armhole
REACH = 34.0  # units from the armhole within which a sleeve is bent to meet it


class Figure(NamedTuple):
    """What carries a garment: a flat pattern in the shop, a body (with the garment's ease) on a person."""

    torso: Torso
    arms: tuple[Arm, Arm]
    ease: float = 0.0  # units between skin and cloth


class Spline(NamedTuple):
    """A thin-plate spline of the plane."""

    source: np.ndarray
    weights: np.ndarray

    @classmethod
    def fit(cls, source: np.ndarray, target: np.ndarray) -> "Spline":
        count = len(source)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _kernel(source, source)
        system[:count, count:] = np.column_stack([np.ones(count), source])
        system[count:, :count] = system[:count, count:].T
        return cls(source, np.linalg.solve(system, np.concatenate([target, np.zeros((3, 2))])))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        flat = points.reshape(-1, 2)
        weights = self.weights.astype(points.dtype)
        count = len(self.source)
        return (_kernel(flat, self.source) @ weights[:count] + weights[count] + flat @ weights[count + 1 :]).reshape(
            points.shape
        )


def _kernel(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """r^2 log r^2 between all pairs, in the points' precision."""
    x, y = (points[:, None, axis] - centres[:, axis].astype(points.dtype) for axis in (0, 1))
    x *= x
    y *= y
    x += y
    return x * np.log(np.maximum(x, 1e-12))


def armhole(figure: Figure, picture_side: int) -> np.ndarray:
    """Where a sleeve is sewn on: shoulder tip and armpit, (2, 2); a raised arm lifts both."""
    torso, arm = figure.torso, figure.arms[SIDES.index(picture_side)]
    upper = arm.joints[1] - arm.joints[0]
    lift = np.clip((np.arctan2(picture_side * upper[0], upper[1]) - 0.5) / 1.0, 0, 1)
    tip = torso.at(picture_side * (torso.shoulder - 2 * lift), 0) + (torso.drop - 0.6 * figure.ease - 3 * lift) * DOWN
    pit = (
        torso.at(picture_side * (torso.widths[0] + 0.5 * figure.ease + 3 * lift), LEVELS[0])
        + (0.8 * figure.ease - 3 * lift) * DOWN
    )
    return np.stack([tip, pit])


def torso_landmarks(figure: Figure) -> np.ndarray:
    torso = figure.torso
    rise = 0.6 * figure.ease * DOWN
    points = [torso.neck - torso.neck_length * DOWN, *(torso.at(0, v) for v in (0.0, *LEVELS[:-1:2]))]
    for picture_side in SIDES:
        tip, pit = armhole(figure, picture_side)
        base = torso.at(picture_side * torso.neck_half, 0) - rise
        top = torso.at(picture_side * 0.92 * torso.neck_half, 0) - rise - torso.neck_length * DOWN
        points += [top, base, (base + tip) / 2, tip, (tip + pit) / 2, pit]
        points += [torso.at(picture_side * (torso.half(v) + figure.ease), v) for v in LEVELS[1:]]
    return np.stack(points)


def sleeve_map(person: Figure, shop: Figure, picture_side: int, points: np.ndarray) -> np.ndarray:
    """Points of a person's sleeve to the flat sleeve: the same share of its length and of its width."""
    worn, flat = (figure.arms[SIDES.index(picture_side)] for figure in (person, shop))

    def ribbon(sleeve_points):
        t, across = worn.locate(sleeve_points)
        share = across / (worn.radius(t) + person.ease)
        return flat.line(t) + flat.outer(t) * (share * flat.radius(t))[..., None]

    hole = armhole(person, picture_side)
    gap = armhole(shop, picture_side) - ribbon(hole)
    down = hole[1] - hole[0]
    share = np.clip((points - hole[0]) @ down / (down @ down), -0.3, 1.3)[..., None]
    near = _ease_in(1 - _distance(points, *hole) / REACH)[..., None]
    return ribbon(points) + near * (gap[0] * (1 - share) + gap[1] * share)


def deform(person: Figure, shop: Figure, frame: Frame, step: int) -> dict[int, np.ndarray]:
    """Maps from canvas pixels to points of the shop plane, in units: key 0 is the torso, SIDES are the sleeves."""
    points = frame.blocks(step, 1)
    torso = Spline.fit(torso_landmarks(person), torso_landmarks(shop))(points)
    maps, blended = {}, torso.copy()
    for picture_side in SIDES:
        sleeve = sleeve_map(person, shop, picture_side, points)
        from_armhole = _distance(points, *armhole(person, picture_side))[..., None] / BLEND
        maps[picture_side] = torso + (sleeve - torso) * _ease_in(0.5 + from_armhole)
        blended += (sleeve - torso) * _ease_in(0.5 - from_armhole)
    maps[0] = blended
    return {key: frame.unfold(value, step, 1) for key, value in maps.items()}


def _distance(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    along = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    return np.linalg.norm(points - a - along[..., None] * (b - a), axis=-1)


def _ease_in(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
