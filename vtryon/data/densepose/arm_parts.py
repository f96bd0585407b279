"""An arm in DensePose's parts: upper arm, forearm and hand, from its label, its joints and the sleeve over it."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from vtryon.data.densepose.arm_joints import HAND_LENGTH, SPECK, arm_joints
from vtryon.data.densepose.figure import LEFT, RIGHT, Figure, among
from vtryon.data.files.label_tables import Parse
from vtryon.data.parse import WORN

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


def draw_arms(body_parts: UInt8[np.ndarray, "h w"], labels: UInt8[np.ndarray, "h w"], figure: Figure) -> None:
    """Draw both arms into `body_parts`: all that has an arm's label, and capsules in the clothes where sleeves are."""
    chains = [_with_hand(arm_joints(labels == label, figure, body_side)) for body_side, label in enumerate(ARM_LABELS)]
    located_sides = [body_side for body_side, joints in enumerate(chains) if joints is not None]
    region = among(labels, ARM_LABELS)
    for body_side in located_sides:
        region |= _sleeve(labels, chains[body_side], figure.unit)
    y, x = np.divmod(np.flatnonzero(region), labels.shape[1])
    pixels = np.stack([x, y], axis=1).astype(np.float32)
    located_by_side = {body_side: locate(pixels, chains[body_side], figure, body_side) for body_side in located_sides}
    owner = _owner(labels[y, x], located_by_side)
    on_body = body_parts[y, x] > 0
    for body_side, located in located_by_side.items():
        bare = owner == body_side
        drawn = bare | ((owner < 0) & _covered(located, bare, on_body, chains[body_side], figure.unit))
        body_parts[y[drawn], x[drawn]] = _part(located, body_side)[drawn]


def _with_hand(joints: Float[np.ndarray, "j 2"] | None) -> Float[np.ndarray, "k 2"] | None:
    """The wrist moved to where the hand begins, and the finger tips straight on from there as a fourth joint."""
    if joints is None or len(joints) < 3:
        return joints
    shoulder, elbow, wrist = joints
    return np.stack([shoulder, elbow, *(wrist + share * (wrist - elbow) for share in (-HEEL, HAND_LENGTH))])


def _owner(labels: UInt8[np.ndarray, "n"], located_by_side: dict[int, Located]) -> Int[np.ndarray, "n"]:
    """The side whose bare arm each pixel shows, by label; -1 for clothes.

    Parsers lay patches of the right arm's label on the left arm and the other way round: what is far from its own
    arm and on the other one goes there.
    """
    owner = np.full(len(labels), -1)
    for body_side, label in enumerate(ARM_LABELS):
        owner[labels == label] = body_side
    if len(located_by_side) == 2:
        distances = np.stack([located_by_side[body_side].distance for body_side in (RIGHT, LEFT)])
        for body_side in (RIGHT, LEFT):
            far_off = distances[body_side] > ASTRAY
            astray = (labels == ARM_LABELS[body_side]) & far_off & (distances[1 - body_side] < 1)
            owner[astray] = 1 - body_side
    return owner


def _part(located: Located, body_side: int) -> UInt8[np.ndarray, "n"]:
    halves = np.array(HALVES[body_side], np.uint8)[np.minimum(located.bone, FOREARM), located.outer.astype(int)]
    return np.where(located.bone == HAND, np.uint8(HANDS[body_side]), halves)


def locate(
    pixels: Float[np.ndarray, "n 2"], joints: Float[np.ndarray, "j 2"], figure: Figure, body_side: int
) -> Located:
    """The nearest bone of each pixel, counted in radii, and where on it the pixel lies."""
    rows = []
    for bone, (from_joint, to_joint) in enumerate(pairwise(joints)):
        vector, offset = to_joint - from_joint, pixels - from_joint
        square = max(float(vector @ vector), 1e-6)
        along = offset @ vector / square
        clipped = np.clip(along, 0, 1)
        radius = figure.unit * (RADII[bone] + clipped * (RADII[bone + 1] - RADII[bone]))
        across = (offset[:, 0] * vector[1] - offset[:, 1] * vector[0]) * figure.outwards(body_side)
        bone_distance = np.hypot(*(offset - clipped[:, None] * vector).T)
        rows.append((along, across, bone_distance / radius))
    along, across, distance = np.stack(rows, axis=1)
    nearest = distance.argmin(axis=0)
    at_nearest = (nearest, np.arange(len(pixels)))
    return Located(nearest, along[at_nearest], across[at_nearest] > 0, distance[at_nearest])


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
