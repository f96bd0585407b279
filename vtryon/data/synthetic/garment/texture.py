"""Fabric patterns: colour as a function of the material's own coordinates, so that they follow torso and sleeves."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

PALETTE = np.array([
    (196, 38, 46), (226, 92, 60), (240, 178, 52), (248, 222, 120), (60, 140, 84), (28, 92, 78), (150, 190, 110),
    (38, 70, 150), (72, 130, 200), (150, 200, 226), (28, 36, 72), (34, 34, 38), (96, 98, 106), (176, 178, 182),
    (240, 238, 232), (228, 214, 188), (150, 106, 70), (120, 42, 64), (202, 92, 134), (244, 186, 196), (112, 76, 160),
    (182, 160, 210), (38, 150, 156), (206, 116, 40),
], np.float32)  # fmt: skip


class Fabric(NamedTuple):
    """A pattern of two or three colours, its size in units of the shop plane and its phase."""

    pattern: str
    colours: np.ndarray  # (3, 3) RGB
    size: float
    phase: float

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        first, second, third = self.colours
        colour = np.broadcast_to(first, (*x.shape, 3))
        for weight, pattern_colour in zip(
            PATTERNS[self.pattern](x / self.size + self.phase, y / self.size), (second, third), strict=False
        ):
            colour = colour + (pattern_colour - colour) * weight[..., None].astype(np.float32)
        return colour.astype(np.float32)


def _band(x: np.ndarray, width: float = 0.5, soft: float = 0.06) -> np.ndarray:
    """1 within the first `width` of each period, with soft edges."""
    phase = np.abs((x % 1) - width / 2)
    phase = np.minimum(phase, 1 - phase)
    return np.clip((width / 2 - phase) / soft + 0.5, 0, 1)


def _cells(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offset rows of unit cells: coordinates from each cell's centre and a number in [0, 1) by cell."""
    row = np.floor(y)
    x = x + 0.5 * (row % 2)
    return ((x % 1) - 0.5, (y % 1) - 0.5, (np.sin(np.floor(x) * 12.9898 + row * 78.233) * 43758.5453) % 1)


def _dots(x, y):
    u, v, _ = _cells(x, y)
    return (np.clip((0.25 - np.hypot(u, v)) / 0.06 + 0.5, 0, 1),)


def _flowers(x, y):
    u, v, turn = _cells(x, y)
    angle, radius = np.arctan2(v, u) + 6.28 * turn, np.hypot(u, v)
    petals = 0.26 + 0.12 * np.cos(5 * angle)
    return np.clip((petals - radius) / 0.06 + 0.5, 0, 1), np.clip((0.12 - radius) / 0.05 + 0.5, 0, 1)


def _plaid(x, y):
    return (
        0.5 * _band(x, 0.45) + 0.5 * _band(y, 0.45),
        np.maximum(_band(x + 0.25, 0.07, 0.04), _band(y + 0.25, 0.07, 0.04)) * 0.9,
    )


def _camouflage(x, y):
    waves = np.sin(2.1 * x + 1.7 * np.sin(1.3 * y)) + np.sin(1.9 * y + 1.3 * np.sin(1.7 * x + 1))
    return np.clip(waves * 4 + 0.5, 0, 1), np.clip((np.sin(1.5 * x - 1.1 * y + waves) - 0.45) * 5, 0, 1)


Weights = tuple[np.ndarray, ...]
PATTERNS: dict[str, Callable[[np.ndarray, np.ndarray], Weights]] = {  # coverage of the second and the third colour
    "solid": lambda x, y: (),
    "stripes": lambda x, y: (_band(y),),
    "breton": lambda x, y: (_band(y, 0.28),),
    "double": lambda x, y: (_band(y, 0.34), _band(y + 0.42, 0.14)),
    "pinstripes": lambda x, y: (_band(x, 0.18, 0.08),),
    "diagonal": lambda x, y: (_band(0.7 * (x + y)),),
    "gingham": lambda x, y: (0.5 * _band(x) + 0.5 * _band(y),),
    "plaid": _plaid,
    "dots": _dots,
    "flowers": _flowers,
    "camouflage": _camouflage,
    "chevron": lambda x, y: (_band(y + np.abs((x % 1) - 0.5)),),
}
ODDS = np.array([5.0, 1.4, 1.3, 1.0, 0.8, 0.7, 1.0, 1.0, 1.3, 1.2, 0.6, 0.7])  # in the order of PATTERNS
SIZES = dict(zip(PATTERNS, (20, 15, 13, 26, 9, 16, 15, 26, 14, 18, 12, 18), strict=True))  # units of a period


def sample_fabric(rng: np.random.Generator) -> Fabric:
    """A pattern whose colours can be told apart."""
    pattern = str(rng.choice(list(PATTERNS), p=ODDS / ODDS.sum()))
    return Fabric(pattern, sample_colours(rng), SIZES[pattern] * rng.uniform(0.8, 1.3), rng.uniform(0, 1))


def sample_colours(rng: np.random.Generator) -> np.ndarray:
    chosen = [PALETTE[rng.integers(len(PALETTE))]]
    while len(chosen) < 3:
        candidate = PALETTE[rng.integers(len(PALETTE))]
        if all(np.abs(candidate - colour).sum() > 150 for colour in chosen):
            chosen.append(candidate)
    return np.clip(np.stack(chosen) + rng.uniform(-10, 10, (3, 1)), 8, 250).astype(np.float32)
