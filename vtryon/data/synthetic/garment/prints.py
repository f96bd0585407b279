"""What is printed on a chest: a word or a drawn motif."""

import cv2
import numpy as np

from vtryon.data.synthetic.canvas import Canvas, Patch, smooth

WORDS = (
    "VITA",
    "OCEAN",
    "HELLO",
    "1987",
    "SUNNY",
    "NORD",
    "LUNA",
    "CITY",
    "WAVE",
    "ATLAS",
    "YES",
    "AMI",
    "COAST",
    "07",
    "BLOOM",
)
FONTS = (cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SIMPLEX)


def paint_word(canvas: Canvas, lettering: str, centre: np.ndarray, width: float, colour: np.ndarray, seed: int):
    """Bold lettering, `width` units wide for a long word."""
    font = FONTS[seed % len(FONTS)]
    width *= min(1.0, 0.34 + 0.16 * len(lettering))
    (wide, high), _ = cv2.getTextSize(lettering, font, 4, 14)
    mask = np.zeros((high + 40, wide + 40), np.uint8)
    cv2.putText(mask, lettering, (20, high + 20), font, 4, 255, 14, cv2.LINE_AA)
    pixels = width * canvas.frame.scale
    size = (max(2, round(pixels)), max(2, round(pixels * mask.shape[0] / mask.shape[1])))
    alpha = cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    x, y = np.round(canvas.frame.pixels(centre) - np.array(size) / 2).astype(int)
    canvas.paint(Patch(slice(y, y + size[1]), slice(x, x + size[0]), alpha), colour)


def paint_motif(canvas: Canvas, motif: str, centre: np.ndarray, radius: float, first: np.ndarray, second: np.ndarray):
    """A figure of two colours."""
    for shape, colour in MOTIFS[motif](first, second):
        canvas.paint(canvas.polygon(centre + radius * shape), colour)


def _circle(radius: float = 1.0, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([x + radius * np.cos(t), y + radius * np.sin(t)], axis=-1)


def _star(points: int, inner: float, outer: float = 1.0) -> np.ndarray:
    t = np.arange(2 * points) * np.pi / points - np.pi / 2
    radius = np.where(np.arange(2 * points) % 2, inner, outer)
    return np.stack([radius * np.cos(t), radius * np.sin(t)], axis=-1)


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack([16 * np.sin(t) ** 3, y], axis=-1) / 16


def _flower(first, second):
    t = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    radius = 0.72 + 0.28 * np.cos(6 * t)
    return [(np.stack([radius * np.cos(t), radius * np.sin(t)], axis=-1), first), (_circle(0.3), second)]


def _peaks(first, second):
    low = np.array([(-1.1, 0.7), (-0.35, -0.75), (0.05, 0.0), (0.4, -0.4), (1.1, 0.7)])
    snow = np.array([(-0.35, -0.75), (-0.56, -0.34), (-0.38, -0.42), (-0.25, -0.28), (-0.14, -0.36)])
    return [(_circle(0.3, 0.5, -0.62), second), (low, first), (snow, np.array([250, 250, 250]))]


def _smile(first, second):
    t = np.linspace(0.2, np.pi - 0.2, 20)
    arc = np.stack([np.cos(t), np.sin(t)], axis=-1)
    return [(_circle(), first), (_circle(0.13, -0.35, -0.25), second), (_circle(0.13, 0.35, -0.25), second),
            (np.concatenate([0.62 * arc, 0.46 * arc[::-1]]), second)]  # fmt: skip


def _moon(first, second):
    crescent = smooth([(0.3, -1), (-0.5, -0.7), (-0.85, 0), (-0.5, 0.7), (0.3, 1), (-0.15, 0.4), (-0.15, -0.4)])
    return [(crescent, first), (_star(5, 0.4, 0.3) + np.array([0.45, -0.1]), second)]


def _bolt(first, second):
    return [(np.array([(0.2, -1.1), (-0.6, 0.15), (-0.05, 0.15), (-0.3, 1.1), (0.6, -0.3), (0.05, -0.3)]), first)]


MOTIFS = {
    "heart": lambda first, second: [(_heart(), first)],
    "star": lambda first, second: [(_star(5, 0.42), first), (_star(5, 0.3, 0.7), second)],
    "sun": lambda first, second: [(_star(14, 0.68), first), (_circle(0.5), second)],
    "peaks": _peaks,
    "smile": _smile,
    "flower": _flower,
    "bolt": _bolt,
    "moon": _moon,
}
