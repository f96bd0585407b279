"""What a garment is: its cut on a flat pattern (neckline, sleeves, hem), its fabric and its trims."""

from typing import NamedTuple

import numpy as np

from vtryon.data.synthetic.canvas import DOWN, smooth
from vtryon.data.synthetic.figure.body import LEVELS, SIDES, Torso, shoulder_joint
from vtryon.data.synthetic.figure.limb import Arm
from vtryon.data.synthetic.garment.deformation import Figure, armhole
from vtryon.data.synthetic.garment.prints import MOTIFS, WORDS
from vtryon.data.synthetic.garment.texture import Fabric, sample_fabric


class Cut(NamedTuple):
    """The choices of a kind of garment; ranges are uniform."""

    odds: float
    necklines: tuple[str, ...]
    sleeve: tuple[float, float]  # where it ends, as in Arm.line: 1 elbow, 2 wrist; 0 none
    length: tuple[float, float]  # of the hem along the spine
    ease: tuple[float, float]  # units between skin and cloth
    prints: float  # probability of lettering or a motif


CUTS = {
    "tee": Cut(3.0, ("crew", "crew", "scoop", "v"), (0.55, 0.8), (0.92, 1.06), (1.5, 4.0), 0.55),
    "long": Cut(2.2, ("crew", "scoop", "v", "boat"), (1.85, 1.97), (0.92, 1.06), (1.5, 3.5), 0.35),
    "sweater": Cut(1.6, ("crew", "v", "turtle", "boat"), (1.88, 1.97), (0.92, 1.04), (3.0, 5.0), 0.2),
    "tank": Cut(1.4, ("scoop", "v"), (0, 0), (0.92, 1.06), (1.0, 3.0), 0.3),
    "camisole": Cut(0.7, ("strap",), (0, 0), (0.9, 1.02), (1.0, 2.5), 0.0),
    "polo": Cut(1.3, ("collar",), (0.55, 0.75), (0.94, 1.04), (1.5, 3.0), 0.1),
    "shirt": Cut(1.2, ("buttoned",), (1.85, 1.97), (0.98, 1.1), (2.0, 4.5), 0.0),
    "raglan": Cut(0.8, ("crew",), (1.2, 1.6), (0.94, 1.04), (1.5, 3.5), 0.5),
    "three-quarter": Cut(0.8, ("boat", "scoop", "v"), (1.3, 1.6), (0.9, 1.04), (1.5, 3.0), 0.1),
}


class Garment(NamedTuple):
    """One garment; `figure` is the flat pattern that the shop picture shows."""

    kind: str
    neckline: str
    sleeve: float
    length: float
    curve: float  # units that the hem hangs lower in the middle
    depth: float  # units of the neckline below its ends
    opening: tuple[float, float]  # where neckline and strap end on the way from the neck's base to the shoulder tip
    fabric: Fabric
    sleeve_fabric: Fabric
    trim: np.ndarray  # RGB of collar, cuffs and print
    banded: bool  # ribbed hem and cuffs
    printed: str  # a word, a motif or ""
    ease: float
    figure: Figure
    grain: int  # seed of folds


def sample_garment(rng: np.random.Generator) -> Garment:
    """Any garment fits any person."""
    odds = np.array([cut.odds for cut in CUTS.values()])
    kind = str(rng.choice(list(CUTS), p=odds / odds.sum()))
    cut = CUTS[kind]
    neckline = str(rng.choice(cut.necklines))
    fabric = sample_fabric(rng)
    contrast = fabric._replace(pattern="solid", colours=fabric.colours[[1, 0, 2]])
    plain = fabric.pattern == "solid"
    sleeve = rng.uniform(*cut.sleeve)
    return Garment(
        kind, neckline, sleeve, rng.uniform(*cut.length), rng.uniform(-1, 5), *_sample_opening(rng, neckline), fabric,
        contrast if kind == "raglan" or (plain and rng.random() < 0.12) else fabric,
        _sample_trim(rng, fabric), kind == "sweater" or rng.random() < 0.2,
        _sample_print(rng) if plain and rng.random() < cut.prints * 1.6 else "",
        rng.uniform(*cut.ease), _sample_pattern(rng, sleeve), int(rng.integers(2**31)),
    )  # fmt: skip


def _sample_trim(rng: np.random.Generator, fabric: Fabric) -> np.ndarray:
    return (
        fabric.colours[1]
        if rng.random() < 0.35
        else fabric.colours[0] * (0.82 if fabric.colours[0].mean() > 60 else 1.5)
    )


def _sample_print(rng: np.random.Generator) -> str:
    return str(rng.choice(WORDS if rng.random() < 0.5 else list(MOTIFS)))


def _sample_opening(rng: np.random.Generator, neckline: str) -> tuple[float, tuple[float, float]]:
    depth, neckline_end, strap_end = {
        "crew": (11, 0.06, 1), "scoop": (24, 0.2, 1), "v": (32, 0.1, 1), "boat": (8, 0.42, 1), "turtle": (4, 0.0, 1),
        "collar": (20, 0.03, 1), "buttoned": (13, 0.02, 1), "strap": (26, 0.5, 0.62),
    }[neckline]  # fmt: skip
    return depth * rng.uniform(0.85, 1.15), (neckline_end, strap_end)


def _sample_pattern(rng: np.random.Generator, sleeve: float) -> Figure:
    """A flat garment, a third larger than on the body and boxier, its arms spread a little."""
    centre = 96 + rng.uniform(-2, 2)
    waist = rng.uniform(-4.5, 1)
    widths = np.array([40.5, 41.5, 41 + waist, 42.5 + 0.4 * waist, 44, 46]) + rng.uniform(-1, 2)
    torso = Torso(
        neck=np.array([centre, 58 + rng.uniform(-2, 2)]), pelvis=np.array([centre, 201 + rng.uniform(-3, 3)]), tilt=0.0,
        neck_half=14.0, neck_length=19.0, shoulder=48 + rng.uniform(-1, 1), drop=12.5, widths=tuple(widths),
    )  # fmt: skip
    spread, thick = (np.radians(rng.uniform(26, 38) if sleeve < 1 else rng.uniform(14, 18)), rng.uniform(12.4, 14))
    arms = []
    for picture_side in SIDES:
        shoulder = shoulder_joint(torso, picture_side, thick)
        elbow = shoulder + 65 * np.array([picture_side * np.sin(spread), np.cos(spread)])
        wrist = elbow + 61 * np.array([picture_side * np.sin(spread * 0.5), np.cos(spread * 0.5)])
        arms.append(Arm.make(picture_side, np.stack([shoulder, elbow, wrist]), thick * np.array([1.0, 0.8, 0.6])))
    return Figure(torso, tuple(arms))


def neck_curve(garment: Garment, depth: float) -> np.ndarray:
    """The neckline from left to right, `depth` units deep."""
    left, right = (_shoulder_line(garment, picture_side, garment.opening[0]) for picture_side in SIDES)
    x = np.linspace(-1, 1, 25)
    pointed = garment.neckline in ("v", "collar", "buttoned")
    fall = (1 - np.abs(x)) ** 0.9 if pointed else (1 - np.abs(x) ** 2.3) ** 0.75
    return left + (right - left) * (x[:, None] + 1) / 2 + depth * fall[:, None] * DOWN


def torso_outline(garment: Garment) -> np.ndarray:
    """The front: neckline, shoulders, armholes (cut in where there is no sleeve), sides and hem."""
    left, right = (_side_outline(garment, picture_side) for picture_side in SIDES)
    return np.concatenate([neck_curve(garment, garment.depth), right, hem_curve(garment)[::-1], left[::-1]])


def hem_curve(garment: Garment) -> np.ndarray:
    """The hem from left to right."""
    torso = garment.figure.torso
    x = np.linspace(-1, 1, 17)
    return torso.at(x * torso.half(garment.length), garment.length) + garment.curve * (1 - x[:, None] ** 2) * DOWN


def collar_outlines(garment: Garment) -> list[np.ndarray]:
    """Two flaps, the tube of a turtleneck, or nothing."""
    half, depth = garment.figure.torso.neck_half, garment.depth
    if garment.neckline == "turtle":
        tube = [(-half - 2, 3), (-half * 0.94, -15), (0, -13.5), (half * 0.94, -15), (half + 2, 3), (0, depth + 4)]
        return [garment.figure.torso.neck + tube]
    if garment.neckline not in ("collar", "buttoned"):
        return []
    flap = np.array([(half - 1, -4.4), (half + 4, 2.6), (17, depth + 6), (0.8, depth + 1), (8, depth * 0.4)])
    return [garment.figure.torso.neck + flap * (picture_side, 1) for picture_side in SIDES]


def _side_outline(garment: Garment, picture_side: int) -> np.ndarray:
    torso = garment.figure.torso
    tip, pit = armhole(garment.figure, picture_side)
    levels = [v for v in LEVELS[1:] if v < garment.length - 0.05] + [garment.length]
    flank = smooth([pit, *(torso.at(picture_side * torso.half(v), v) for v in levels)], closed=False)
    if garment.sleeve:
        return np.concatenate([[tip], flank])
    strap = _shoulder_line(garment, picture_side, 0.74 if garment.opening[1] == 1 else garment.opening[1])
    low = pit + 4 * DOWN
    inner = np.array([strap[0] * 0.55 + low[0] * 0.45 - picture_side * 2.5, strap[1] * 0.42 + low[1] * 0.58])
    return np.concatenate([smooth([strap, inner, low], closed=False), flank[4:]])


def _shoulder_line(garment: Garment, picture_side: int, along: float) -> np.ndarray:
    torso = garment.figure.torso
    base = torso.at(picture_side * torso.neck_half, 0)
    return base + along * (armhole(garment.figure, picture_side)[0] - base)


def sleeve_outline(garment: Garment, picture_side: int) -> np.ndarray:
    arm = garment.figure.arms[SIDES.index(picture_side)]
    tip, pit = armhole(garment.figure, picture_side)
    t = np.linspace(0.45, garment.sleeve, 12)
    flare = 1 + 0.12 * (garment.sleeve < 1) * np.clip(t / garment.sleeve, 0, 1)
    across = arm.outer(t) * (arm.radius(t) * flare)[:, None]
    cap = arm.line(0.2) + arm.outer(0.2) * (0.88 * arm.radius(0.2))
    return np.concatenate(
        [smooth([tip, cap, *(arm.line(t) + across)], closed=False), (arm.line(t) - across)[::-1], [pit]]
    )
