"""Photos of any size brought into the network's size, and its try-on put back into the photo.

The training pictures show people before a plain backdrop, cut off by the bottom of the picture. So a person stands on
the bottom, and padding goes above the head: copies of the border, as a constant colour would draw an edge. In the
result the photo's own pixels stay where the network changed nothing, so face and backdrop are sharp. Adding the
difference of the try-on everywhere instead would let the old garment's threads shine through.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

SMOOTH = 1.5  # network pixels, standard deviation at which old and new are compared
CHANGED = 12  # of 255, largest channel: above what a trained network errs by in a face, below a change of cloth
ISLAND = 0.02  # of the picture: unchanged areas below that, inside a change, are taken for changed
FEATHER = 1.5  # network pixels, standard deviation of the seam


class Letterbox(NamedTuple):
    """The position of a photo of `photo` = (height, width) in a picture of `size`; all in pixels."""

    photo: tuple[int, int]
    size: tuple[int, int]
    top: int
    left: int
    height: int
    width: int

    def fit(self, image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "H W 3"]:
        """The photo in the network's size."""
        return cv2.copyMakeBorder(self._shrink(image), *self._padding(), cv2.BORDER_REPLICATE)

    def fit_mask(self, mask: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "H W"]:
        """A mask of the photo in the network's size, 0 or 255; padding is 0."""
        shrunk_mask = np.where(self._shrink(mask) > 127, 255, 0).astype(np.uint8)
        return cv2.copyMakeBorder(shrunk_mask, *self._padding(), cv2.BORDER_CONSTANT, value=0)

    def restore(
        self, image: UInt8[np.ndarray, "h w 3"], try_on: UInt8[np.ndarray, "H W 3"]
    ) -> UInt8[np.ndarray, "h w 3"]:
        """The photo `image` with the changes of `try_on`; `try_on` itself if the photo has the network's size."""
        if self.photo == self.size:
            return try_on
        inner = np.s_[self.top : self.top + self.height, self.left : self.left + self.width]
        cropped = np.ascontiguousarray(try_on[inner])
        changed = _changed(self._shrink(image), cropped)
        weight = np.clip(_resize(changed, self.photo), 0, 1)
        return cv2.blendLinear(image, _resize(cropped, self.photo), 1 - weight, weight)

    def _shrink(self, image: UInt8[np.ndarray, "h w *c"]) -> UInt8[np.ndarray, "H W *c"]:
        return _resize(image, (self.height, self.width))

    def _padding(self) -> tuple[int, int, int, int]:
        height, width = self.size
        return (
            self.top,
            height - self.top - self.height,
            self.left,
            width - self.left - self.width,
        )


def letterbox(photo: tuple[int, int], size: tuple[int, int], stand: bool = False) -> Letterbox:
    """Fit (height, width) into `size`; with `stand` on its bottom edge, as a person, else in the middle, as a garment.

    Example:
        >>> letterbox((1000, 1000), (256, 192), stand=True)[2:]
        (64, 0, 192, 192)
    """
    scale = min(size[0] / photo[0], size[1] / photo[1])
    height, width = (min(limit, max(1, round(length * scale))) for limit, length in zip(size, photo, strict=True))
    free = size[0] - height
    return Letterbox(photo, size, free if stand else free // 2, (size[1] - width) // 2, height, width)


def _resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if image.shape[:2] == size:
        return image
    smaller = size[0] * size[1] < image.shape[0] * image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def _changed(photo: UInt8[np.ndarray, "h w 3"], try_on: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    """1 where the network changed the person, and on islands within; 0 elsewhere; a soft seam outside of the change."""
    # Compared smoothed: an eye that the network blurs is no change.
    difference = cv2.absdiff(*(cv2.GaussianBlur(image, (0, 0), SMOOTH) for image in (photo, try_on))).max(axis=-1)
    changed = cv2.morphologyEx((difference > CHANGED).astype(np.uint8), cv2.MORPH_CLOSE, _disc(4))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - changed, connectivity=4)
    changed |= (stats[:, cv2.CC_STAT_AREA] < ISLAND * changed.size)[labels].astype(np.uint8)
    return cv2.GaussianBlur(cv2.dilate(changed, _disc(3)).astype(np.float32), (0, 0), FEATHER)


def _disc(radius: int) -> UInt8[np.ndarray, "k k"]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
