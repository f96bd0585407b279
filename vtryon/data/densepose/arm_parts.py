"""An arm in DensePose's parts: upper arm, forearm and hand, from its label, its joints and the sleeve over it."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from vtryon.data.densepose.arm_joints import HAND_LENGTH, SPECK, arm_joints
from vtryon.data.densepose.figure import LEFT, RIGHT, Figure, among
from vtryon.data.parse import WORN, Parse

HANDS = (3, 4)  # right, left
HALVES = (((16, 18), (20, 22)), ((15, 17), (19, 21)))  # inner and outer half of upper arm and forearm; right, left
ARM_LABELS = (Parse.RIGHT_ARM, Parse.LEFT_ARM)
FOREARM, HAND = 1, 2  # bones count from the upper arm, 0
RADII = np.float32([0.135, 0.105, 0.072, 0.1])  # at shoulder, elbow, wrist and finger tips, in units of the figure
CAP = 0.12  # how far an upper arm reaches above its shoulder joint, in bone lengths
HEEL = 0.06  # how far above its joint the wrist ends and the hand begins, in forearms
BINS = 8  # along a bone, to see where a sleeve ends
BARE = 0.35  # share of a bone's width in the arm's own label from which it is bare there
ASTRAY = 2.0  # radii from its own arm beyond which a pixel on the other arm goes there
SLEEVES = (*WORN, Parse.HAIR)  # labels that may hide an arm: hair falls over shoulders


class Located(NamedTuple):
    """Where pixels lie on an arm."""

    bone: Int[np.ndarray, "n"]  # the nearest: 0 upper arm, 1 forearm, 2 hand
    along: Float[np.ndarray, "n"]  # 0..1 from a bone's first joint to its second, and beyond them
    outer: Bool[np.ndarray, "n"]  # on the half away from the body, for a hanging arm
    distance: Float[np.ndarray, "n"]  # from the bone, in radii of the arm there


def draw_arms(parts: UInt8[np.ndarray, "h w"], labels: UInt8[np.ndarray, "h w"], figure: Figure) -> None:
    """Draw both arms into `parts`: all that has an arm's label, and capsules within the clothes where sleeves are."""
    chains = [_with_hand(arm_joints(labels == label, figure, side)) for side, label in enumerate(ARM_LABELS)]
    sides = [side for side, joints in enumerate(chains) if joints is not None]
    region = among(labels, ARM_LABELS)
    for side in sides:
        region |= _sleeve(labels, chains[side], figure.unit)
    y, x = np.divmod(np.flatnonzero(region), labels.shape[1])
    pixels = np.stack([x, y], axis=1).astype(np.float32)
    places = {side: locate(pixels, chains[side], figure, side) for side in sides}
    owner = _owner(labels[y, x], places)
    on_body = parts[y, x] > 0
    for side, place in places.items():
        bare = owner == side
        drawn = bare | ((owner < 0) & _covered(place, bare, on_body, chains[side], figure.unit))
        parts[y[drawn], x[drawn]] = _part(place, side)[drawn]


def _with_hand(joints: Float[np.ndarray, "j 2"] | None) -> Float[np.ndarray, "k 2"] | None:
    """The wrist moved to where the hand begins, and the finger tips straight on from there as a fourth joint."""
    if joints is None or len(joints) < 3:
        return joints
    shoulder, elbow, wrist = joints
    return np.stack([shoulder, elbow, *(wrist + share * (wrist - elbow) for share in (-HEEL, HAND_LENGTH))])


def _owner(labels: UInt8[np.ndarray, "n"], places: dict[int, Located]) -> Int[np.ndarray, "n"]:
    """The side whose bare arm each pixel shows, by label; -1 for clothes.

    Parsers lay patches of the right arm's label on the left arm and the other way round: what is far from its own
    arm and on the other one goes there.
    """
    owner = np.full(len(labels), -1)
    for side, label in enumerate(ARM_LABELS):
        owner[labels == label] = side
    if len(places) == 2:
        apart = np.stack([places[side].distance for side in (RIGHT, LEFT)])
        for side in (RIGHT, LEFT):
            astray = (labels == ARM_LABELS[side]) & (apart[side] > ASTRAY) & (apart[1 - side] < 1)
            owner[astray] = 1 - side
    return owner


def _part(place: Located, side: int) -> UInt8[np.ndarray, "n"]:
    halves = np.array(HALVES[side], np.uint8)[np.minimum(place.bone, FOREARM), place.outer.astype(int)]
    return np.where(place.bone == HAND, np.uint8(HANDS[side]), halves)


def locate(pixels: Float[np.ndarray, "n 2"], joints: Float[np.ndarray, "j 2"], figure: Figure, side: int) -> Located:
    """The nearest bone of each pixel, counted in radii, and where on it the pixel lies."""
    rows = []
    for bone, (start, end) in enumerate(pairwise(joints)):
        vector, offset = end - start, pixels - start
        square = max(float(vector @ vector), 1e-6)
        along = offset @ vector / square
        clipped = np.clip(along, 0, 1)
        radius = figure.unit * (RADII[bone] + clipped * (RADII[bone + 1] - RADII[bone]))
        across = (offset[:, 0] * vector[1] - offset[:, 1] * vector[0]) * figure.outwards(side)
        apart = np.hypot(*(offset - clipped[:, None] * vector).T)
        rows.append((along, across, apart / radius))
    along, across, distance = np.stack(rows, axis=1)
    nearest = distance.argmin(axis=0)
    each = (nearest, np.arange(len(pixels)))
    return Located(nearest, along[each], across[each] > 0, distance[each])


def _sleeve(labels: UInt8[np.ndarray, "h w"], joints: Float[np.ndarray, "j 2"], unit: float) -> Bool[np.ndarray, "h w"]:
    """Clothes and hair in the box around the arm's joints."""
    margin = RADII[0] * unit + 1
    low = np.maximum(joints.min(axis=0) - margin, 0).astype(int)
    high = np.maximum(joints.max(axis=0) + margin, 0).astype(int) + 1
    box = (slice(low[1], high[1]), slice(low[0], high[0]))
    sleeve = np.zeros(labels.shape, bool)
    sleeve[box] = among(labels[box], SLEEVES)
    return sleeve


def _covered(
    located: Located,
    bare: Bool[np.ndarray, "n"],
    on_body: Bool[np.ndarray, "n"],
    joints: Float[np.ndarray, "j 2"],
    unit: float,
) -> Bool[np.ndarray, "n"]:
    """The capsule of upper arm and forearm where a sleeve covers them.

    Stretches that the arm's own label shows to be bare have none. Clothes farther down are a sleeve where they lie
    beside the body; on the body they are taken for the garment's front, and the arm for being behind. So is a forearm
    of which no hand is seen.
    """
    bones = len(joints) - 1
    bins = located.bone * BINS + np.clip(located.along * BINS, 0, BINS - 1).astype(int)
    count = np.bincount(bins[bare], minlength=bones * BINS)
    lengths = np.hypot(*np.diff(joints, axis=0).T)
    widths = unit * (RADII[:bones] + RADII[1 : bones + 1])
    uncovered = count > BARE * np.repeat(lengths * widths / BINS, BINS)[: len(count)]
    uncovered[1:] &= uncovered[:-1].copy()  # the first bare stretch may hold the end of the sleeve
    behind = np.logical_or.accumulate(uncovered)[bins]
    if np.count_nonzero(bare & (located.bone == HAND)) < SPECK * unit**2:
        behind |= located.bone == FOREARM
    capsule = (located.distance <= 1) & ((located.bone > 0) | (located.along > -CAP))
    return capsule & ~uncovered[bins] & ~(on_body & behind) & (located.bone < HAND)
