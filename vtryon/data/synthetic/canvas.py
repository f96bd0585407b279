"""A supersampled drawing surface on which picture, labels, body parts and garment layers are painted together.

Everything is drawn in units: figure and shop garment live in a plane 192 wide and 256 high, whatever the size.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

UNITS = (256, 192)  # height, width
SUBPIXEL = 4  # fractional bits of OpenCV's polygon coordinates
DOWN = np.array([0.0, 1.0])


class Frame(NamedTuple):
    """Where the units lie on a canvas of `factor` times the picture's size; the plane is centred, never stretched."""

    height: int
    width: int
    factor: int

    @classmethod
    def of(cls, size: tuple[int, int]) -> "Frame":
        """At least 256 canvas rows, so that a face keeps its features in a small picture."""
        return cls(*size, factor=max(2, -(-UNITS[0] // size[0])))

    @property
    def shape(self) -> tuple[int, int]:
        return self.height * self.factor, self.width * self.factor

    @property
    def scale(self) -> float:
        """Canvas pixels per unit."""
        return min(self.height / UNITS[0], self.width / UNITS[1]) * self.factor

    @property
    def origin(self) -> np.ndarray:
        rows, columns = self.shape
        return np.array([columns - UNITS[1] * self.scale, rows - UNITS[0] * self.scale], np.float32) / 2

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Units to canvas pixel indices (x, y); a pixel's index is its centre."""
        return np.asarray(points) * self.scale + (self.origin - 0.5)

    def units(self) -> np.ndarray:
        """The centre of every canvas pixel in units, (rows, columns, 2)."""
        return self.blocks(1, 0)

    def blocks(self, step: int, margin: int) -> np.ndarray:
        """The centres of blocks of `step` canvas pixels in units, with `margin` more blocks on every side."""
        y, x = (np.arange(-margin, -(-pixels // step) + margin) * step + step / 2 for pixels in self.shape)
        centres = np.stack(np.meshgrid(x, y), axis=-1)
        return ((centres - self.origin) / self.scale).astype(np.float32)

    def unfold(self, coarse: np.ndarray, step: int, margin: int) -> np.ndarray:
        """Values at `blocks` to every canvas pixel; linear, as OpenCV's cubic bends straight lines."""
        size = (coarse.shape[1] * step, coarse.shape[0] * step)
        fine = cv2.resize(coarse.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        return fine[margin * step :, margin * step :][: self.shape[0], : self.shape[1]]


class Patch(NamedTuple):
    """A coverage in [0, 1] over a box of the canvas."""

    rows: slice
    columns: slice
    alpha: np.ndarray

    @property
    def box(self) -> tuple[slice, slice]:
        return self.rows, self.columns


class Canvas:
    """RGB in 0..255 with the maps that go with it; what is painted last is seen."""

    def __init__(self, frame: Frame):
        self.frame = frame
        self.image = np.zeros((*frame.shape, 3), np.float32)
        self.label = np.zeros(frame.shape, np.uint8)
        self.layer = np.zeros(frame.shape, np.uint8)  # 0: no garment, else the garment layer that is seen

    def paint(self, patch: Patch, colour: np.ndarray | tuple, label: int | None = None, layer: int = 0):
        """Lay `colour` (one RGB or a picture of the patch) over the canvas; a label makes it a surface, else a tint."""
        under = self.image[patch.box]
        under += (np.asarray(colour, np.float32) - under) * patch.alpha[..., None]
        if label is not None:
            covered = patch.alpha > 0.5
            self.label[patch.box][covered] = label
            self.layer[patch.box][covered] = layer

    def shade(self, patch: Patch, amount: float):
        """Darken by `amount` (0.1 takes a tenth of the light) where the patch covers."""
        self.image[patch.box] *= 1 - amount * patch.alpha[..., None]

    def model(self, patch: Patch, radius: float, depth: float, light: float = 0.0):
        """Round a painted surface: its rim within `radius` units darker by `depth`, its left side lit by `light`."""
        if patch.alpha.size:
            shade = volume(patch.alpha, radius * self.frame.scale, depth, light)
            self.image[patch.box] *= (1 + (shade - 1) * patch.alpha)[..., None]

    def surface(self, patch: Patch, colour: np.ndarray | tuple, label: int, radius: float, depth: float):
        self.paint(patch, colour, label)
        self.model(patch, radius, depth, depth / 2)

    def polygon(self, *outlines: np.ndarray, blur: float = 0.0) -> Patch:
        """The union of filled outlines; `blur` is a Gaussian's sigma in units."""
        pixels = [self.frame.pixels(points) for points in outlines]

        def draw(mask, at):
            for points in pixels:
                cv2.fillPoly(mask, [at(points)], 255, cv2.LINE_AA, SUBPIXEL)

        return self._draw(np.concatenate(pixels), blur, draw)

    def line(self, points: np.ndarray, width: float, blur: float = 0.0) -> Patch:
        """A stroke of `width` units along the points; thinner than a pixel is fainter."""
        pixels = self.frame.pixels(points)
        wide = width * self.frame.scale
        thick = max(1, round(wide))

        def draw(mask, at):
            cv2.polylines(mask, [at(pixels)], False, 255 * min(1.0, wide), thick, cv2.LINE_AA, SUBPIXEL)

        return self._draw(pixels, blur, draw, thick)

    def discs(self, centres: np.ndarray, radii: np.ndarray | float, blur: float = 0.0) -> Patch:
        """The union of discs: a limb when they are dense."""
        pixels = self.frame.pixels(centres)
        radii = np.broadcast_to(radii, len(pixels)) * self.frame.scale

        def draw(mask, at):
            for centre, radius in zip(at(pixels).tolist(), radii.tolist(), strict=True):
                cv2.circle(mask, centre, round(radius * 2**SUBPIXEL), 255, -1, cv2.LINE_AA, SUBPIXEL)

        return self._draw(pixels, blur, draw, float(radii.max()))

    def union(self, *patches: Patch) -> Patch:
        """What any of the patches covers."""
        rows, columns = (
            slice(min(s.start for s in axis), max(s.stop for s in axis))
            for axis in zip(*(p.box for p in patches), strict=True)
        )
        alpha = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        for patch in patches:
            inside = alpha[shift(patch.rows, rows.start), shift(patch.columns, columns.start)]
            np.maximum(inside, patch.alpha, out=inside)
        return Patch(rows, columns, alpha)

    def cut(self, patch: Patch, cover: Patch) -> Patch:
        """`patch` where `cover` covers too."""
        cover_alpha = np.zeros(self.frame.shape, np.float32)
        cover_alpha[cover.box] = cover.alpha
        return patch._replace(alpha=patch.alpha * cover_alpha[patch.box])

    def _draw(self, pixels: np.ndarray, blur: float, draw: Callable, margin: float = 0.0) -> Patch:
        sigma = blur * self.frame.scale
        margin += 2 + 3 * sigma
        limit = np.array(self.frame.shape[::-1])
        low = np.clip(np.floor(pixels.min(axis=0) - margin), 0, limit).astype(int)
        high = np.clip(np.ceil(pixels.max(axis=0) + margin) + 1, low, limit).astype(int)
        mask = np.zeros((high - low)[::-1], np.uint8)
        if mask.size:
            draw(mask, lambda points: np.round((points - low) * 2**SUBPIXEL).astype(np.int32))
        alpha = mask.astype(np.float32) * np.float32(1 / 255)
        if sigma > 0 and mask.size:
            alpha = soften(alpha, sigma)
        columns, rows = (slice(*span) for span in np.stack([low, high], axis=1).tolist())
        return Patch(rows, columns, alpha)


def shift(span: slice, by: int) -> slice:
    return slice(span.start - by, span.stop - by)


def soften(alpha: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur in pixels; a wide one is taken at a lower resolution, where it looks the same."""
    shrink = int(max(1, min(sigma // 1.5, min(alpha.shape) // 4)))
    if shrink == 1:
        return cv2.GaussianBlur(alpha, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    shrunk = cv2.resize(alpha, (alpha.shape[1] // shrink, alpha.shape[0] // shrink), interpolation=cv2.INTER_AREA)
    shrunk = cv2.GaussianBlur(shrunk, (0, 0), sigma / shrink, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(shrunk, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)


def volume(alpha: np.ndarray, radius: float, depth: float, light: float = 0.0) -> np.ndarray:
    """Brightness of a rounded surface of that outline, about 1."""
    inside = soften(alpha, radius)
    rim = np.clip(2 - 2 * inside, 0, 1)
    shade = 1 - depth * rim * rim
    if light:
        slope = cv2.Sobel(inside, cv2.CV_32F, 1, 0, ksize=3, scale=radius * 0.3, borderType=cv2.BORDER_REPLICATE)
        shade += light * np.clip(slope, -1, 1)
    return shade


def smooth(points: np.ndarray | list, closed: bool = True, steps: int = 8) -> np.ndarray:
    """A Catmull-Rom curve through the points."""
    knots = np.asarray(points, np.float64)
    if closed:
        knots = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        knots = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    p0, p1, p2, p3 = (knots[i : len(knots) - 3 + i, None] for i in range(4))
    t = (np.arange(steps) / steps)[None, :, None]
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    curve = curve.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-2:-1]])
