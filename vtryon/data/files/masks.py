"""Read a garment's mask in every form in which people save one, or say why it cannot be read.

An ordinary mask is grey, 0 for the backdrop and 255 for the garment, and is taken as it is. Of the others:

* *range*: 0/1, bool, 0/100, 16 bits, floats in [0, 1]: two levels are stretched to 0 and 255;
* *colour*: a colour on black is the garment; of two other colours, palette or RGB, the border's is the backdrop;
* *transparency*: it is the mask if it is the garment's outline, as in a cut-out, and means nothing if it only rounds a
  photo's corners, frames it or is opaque everywhere (`cut_out`);
* *inversion*: the border of a garment's picture is backdrop. A mask that is white along 95 % of its border and black on
  at least 10 % of its area is black on white. From 50 to 95 % of the border a mask can be the one or the other if black
  and white are both whole pieces, and is refused. Else white is the garment, as in close-ups, white nearly everywhere.

The numbers come from the 16,253 masks of VITON: none of those with a black border has more than 7 % of white there, the
121 others are close-ups or failed thresholds, and none is taken for an inverted one.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Num, Shaped, UInt8
from PIL import Image

from vtryon.data.files.header import FaultError

BLACK, WHITE = 64, 192  # of 255: below and above, a pixel is surely backdrop or garment
SHADES = 0.25  # share of pixels between them at which a picture is no mask: a soft outline takes less
NOISE = 8  # of 255, that JPEG adds to one level
LEAST_CONTRAST = 32  # of 255: two levels that are nearer must be exactly two values, such as 0 and 1
INVERTED, DOUBTFUL = 0.95, 0.5  # white along the border, share
LEAST_BLACK = 0.1  # area of an inverted mask's garment, share
PIECES, LARGEST = 16, 0.8  # whole: in few pieces, most of it in one
BACKDROP = 0.75  # share of the border of a mask in colours that must have one colour
FEW_CLEAR = 0.06  # transparent share of rounded corners, at most
FRAME = 0.97  # a frame fills its bounding box, or equals its own mirror images; garments reach 0.92 and 0.95
CLEAR_BORDER = 0.25  # transparent share of a cut-out's border, at least; garments cut out tightly have 0.72


class Mask(NamedTuple):
    """A mask, and in a few words how it was read; None for an ordinary one."""

    pixels: UInt8[np.ndarray, "h w"]  # 0..255, garment above 127
    reading: str | None = None


def ordinary(grey: UInt8[np.ndarray, "h w"]) -> bool:
    """Whether a grey picture is white on black as masks are meant to be: a quick look that spares all others."""
    shades = cv2.countNonZero(cv2.inRange(grey, BLACK + 1, WHITE - 1))
    white = cv2.countNonZero(cv2.inRange(grey, WHITE, 255))
    black = grey.size - shades - white
    if not (white and black) or shades > SHADES * grey.size:
        return False
    return bool(_border(grey > 127).mean() < DOUBTFUL)


def read_mask(values: Num[np.ndarray, "h w *c"] | Bool[np.ndarray, "h w *c"]) -> Mask:
    """An array of any number type with 1, 3 or (alpha last) 2 or 4 channels as a mask.

    Raises:
        FaultError: it is empty, no mask, or can be read in two ways.
    """
    if values.dtype == np.uint8 and values.ndim == 2 and ordinary(values):
        return Mask(values)
    planes = _planes(values)  # (h, w, c), 0..255
    count, notes = planes.shape[2], []
    colour = planes[..., : count - 1 + count % 2]
    if count in (2, 4):
        colour = _of_colour_and_alpha(colour, planes[..., -1], notes)
    grey = _stretched(_one_plane(colour, notes), notes).round().astype(np.uint8)
    if ((grey > BLACK) & (grey < WHITE)).mean() > SHADES:
        raise FaultError("no mask", "over a quarter of it are shades between black and white: a photo? Give its mask")
    return Mask(_garment_white(grey, notes), "; ".join(notes) or None)


def mask_of(image: Image.Image) -> Mask:
    """A mask that Pillow has opened, of any mode.

    Raises:
        FaultError: as `read_mask`.
    """
    if image.mode == "P" and not image.has_transparency_data:
        ids = np.asarray(image)
        if np.ptp(np.asarray(image.convert("RGB")), axis=(0, 1)).max() == 0:  # a palette of equal colours
            return read_mask(ids)
    if image.mode == "P" or image.mode in ("PA", "CMYK", "YCbCr", "LAB", "HSV"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return read_mask(np.asarray(image))


def cut_out(alpha: UInt8[np.ndarray, "h w"], refuse: bool = True) -> bool:
    """Whether a picture's transparency is the outline of the garment on it: no frame, and not opaque nearly everywhere.

    Raises:
        FaultError: the picture is transparent inside and opaque along its border, or transparent everywhere (only
            where `refuse`).
    """
    opaque = alpha > 127
    if opaque.mean() > 1 - FEW_CLEAR:
        return False
    if not opaque.any():
        if refuse:
            raise FaultError("no mask", "the picture is transparent everywhere; save it without transparency")
        return False
    inside = opaque[box_of(opaque)]
    mirrored = min(_overlap(inside, inside[::-1]), _overlap(inside, inside[:, ::-1]))
    if inside.mean() >= FRAME or mirrored >= FRAME:
        return False
    if _border(~opaque).mean() >= CLEAR_BORDER:
        return True
    if refuse:
        message = (
            "the picture is transparent inside and opaque along its border, so its transparency cuts out no garment"
        )
        raise FaultError("no mask", f"{message}; save the mask as a grey picture, white where the garment is")
    return False


def box_of(inside: Bool[np.ndarray, "h w"]) -> tuple[slice, slice]:
    """Rows and columns of the smallest box around all true pixels, of which there must be one."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _planes(values: Shaped[np.ndarray, "h w *c"]) -> Float32[np.ndarray, "h w c"]:
    """Numbers of any type in 0..255."""
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[2] not in (1, 2, 3, 4) or values.size == 0:
        raise FaultError("wrong shape", f"a mask is (h, w) or has up to 4 channels, this is {values.shape}")
    if values.dtype == bool:
        return values.astype(np.float32) * 255
    if values.dtype.kind not in "uif":
        raise FaultError("no mask", f"a mask is made of numbers, this of {values.dtype}")
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 65535):  # true for NaN as well
        raise FaultError("no mask", f"its values reach from {low:g} to {high:g}; save it as a grey picture, 0 and 255")
    planes = values.astype(np.float32)
    if values.dtype.kind == "f" and high <= 1:
        return planes * 255
    return planes / 257 if high > 255 else planes


def _of_colour_and_alpha(
    colour: Float32[np.ndarray, "h w c"], alpha: Float32[np.ndarray, "h w"], notes: list[str]
) -> Float32[np.ndarray, "h w c2"]:
    """The planes that hold the mask: the transparency, or the colours with what is transparent filled in."""
    levels = (alpha * (255 / max(alpha.max(), 1))).astype(np.uint8)
    opaque = levels > 127
    plain = not opaque.any() or np.ptp(colour[opaque], axis=0).max() == 0
    if cut_out(levels, refuse=not plain) or (plain and np.ptp(levels) > 0):
        notes.append("the transparency is the mask")
        return levels[..., None].astype(np.float32)
    return filled(colour, levels)


def _one_plane(colour: Float32[np.ndarray, "h w c"], notes: list[str]) -> Float32[np.ndarray, "h w"]:
    """Grey as it is; of colours, the distance to the border's colour: the garment is what the border is not."""
    if colour.shape[2] == 1:
        return colour[..., 0]
    if np.percentile(np.ptp(colour, axis=2), 99) <= BLACK / 2:  # JPEG colours what is grey a little
        return colour.mean(axis=2)
    brightest = colour.max(axis=2)
    notes.append("a mask in colours")
    if brightest.min() <= BLACK:  # a colour on black
        return brightest
    border = _border(colour)
    backdrop = np.median(border, axis=0)
    distance = np.abs(colour - backdrop).max(axis=2)
    garment = colour[distance > distance.max() / 2]
    if distance.max() < LEAST_CONTRAST or _uniform(border, backdrop) < BACKDROP:
        raise FaultError("no mask", "its border is not of one colour, the rest of another: a photo? Give its mask")
    if _uniform(garment, np.median(garment, axis=0)) < 1 - SHADES:
        raise FaultError("no mask", "it has more than two colours: a photo, or labels? Give a mask, white on black")
    return np.where(distance > distance.max() / 2, 255, 0).astype(np.float32)


def _uniform(colours: Float32[np.ndarray, "n c"], colour: Float32[np.ndarray, "c"]) -> float:
    """The share of `colours` near `colour`."""
    return float((np.abs(colours - colour).max(axis=1) < BLACK).mean())


def _stretched(plane: Float32[np.ndarray, "h w"], notes: list[str]) -> Float32[np.ndarray, "h w"]:
    """Levels as they are where black and white are among them, else stretched to 0..255."""
    low, high = float(plane.min()), float(plane.max())
    if (low <= BLACK and high >= WHITE) or high == 0 or (low >= WHITE and high - low <= NOISE):
        return plane
    values = np.unique(plane)
    if len(values) == 1:
        raise FaultError("no mask", f"it has one value everywhere, {low:g}; save it as a grey picture, 0 and 255")
    if high - low < LEAST_CONTRAST and len(values) > 2:
        levels = f"{len(values)} levels from {low:g} to {high:g}"
        raise FaultError("no mask", f"{levels}: labels, or a dark photo? Save the mask as a grey picture, 0 and 255")
    notes.append(f"values from {low:g} to {high:g}, stretched to 0 and 255")
    return (plane - low) * (255 / (high - low))


def _garment_white(grey: UInt8[np.ndarray, "h w"], notes: list[str]) -> UInt8[np.ndarray, "h w"]:
    """Decide which of black and white is the garment; the rule stands at the head of this file."""
    white = grey > 127
    if not white.any():
        raise FaultError("empty mask", "black everywhere, no pixel is the garment; make the mask again")
    border, black = _border(white).mean(), 1 - white.mean()
    if border < DOUBTFUL or black < LEAST_BLACK:
        return grey
    if border >= INVERTED:
        notes.append("black on white, inverted")
        return 255 - grey
    if _whole(white) and _whole(~white):
        message = f"white along {border:.0%} of its border, so the garment may be its white or its black part"
        raise FaultError(
            "doubtful mask", f"{message}; save it again, white where the garment is, or make it from the photo"
        )
    return grey


def filled(colour: Float32[np.ndarray, "h w c"], alpha: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w c"]:
    """The colours, with what is transparent in the median colour of the pixels beside it."""
    clear = alpha <= 127
    if not clear.any() or clear.all():
        return colour
    rim = cv2.dilate(clear.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~clear
    return np.where(clear[..., None], np.median(colour[rim], axis=0), colour).astype(np.float32)


def _whole(region: Bool[np.ndarray, "h w"]) -> bool:
    _, _, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return 0 < len(areas) <= PIECES and bool(areas.max() >= LARGEST * areas.sum())


def _border(plane: Shaped[np.ndarray, "h w *c"]) -> Shaped[np.ndarray, "n *c"]:
    return np.concatenate([plane[0], plane[-1], plane[1:-1, 0], plane[1:-1, -1]])


def _overlap(first: Bool[np.ndarray, "h w"], second: Bool[np.ndarray, "h w"]) -> float:
    return float((first & second).sum() / max(1, (first | second).sum()))
