"""Find the upper body in a photo, framed as in the training pictures: the face near the upper edge.

A network dresses what stands where it learnt to find it. A wide photo padded to the network's shape, or a person seen
from head to foot, has shoulders where faces were: the garment then lies over the face.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

# Faces as the detector frames them in 135 of 150 test photos of VITON: 5th, 50th and 95th percentile of their width as
# a share of the picture's height, and the median height of their centres.
SMALLEST, USUAL, LARGEST = 36 / 256, 44.5 / 256, 54 / 256
CENTRE = 37 / 256
SHAPE = 0.02  # relative difference of two shapes (width by height) that is none
SEAM = 0.08  # of the part's width: the try-on fades into the photo along a cut
SEARCHED = 480  # pixels of the longer side in which faces are searched: enough for a face of a fifteenth of it
FACES = "haarcascade_frontalface_default.xml"


class Frame(NamedTuple):
    """A part of a photo, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.width} x {self.height} pixels at ({self.left}, {self.top})"

    @property
    def inside(self) -> tuple[slice, slice]:
        """Index of the part in an array of the photo."""
        return np.s_[self.top : self.top + self.height, self.left : self.left + self.width]

    def weight(self, photo: tuple[int, int]) -> Float32[np.ndarray, "h w"]:
        """1 inside of the part, down to 0 at those of its edges that cut through a photo of (height, width)."""
        ramp = max(1, round(SEAM * self.width))
        low, right = photo[0] - self.top - self.height, photo[1] - self.left - self.width
        rows, columns = np.arange(self.height, dtype=np.float32), np.arange(self.width, dtype=np.float32)
        weights = []
        for positions, margin_before, margin_after in ((rows, self.top, low), (columns, self.left, right)):
            first = positions / ramp if margin_before else np.ones_like(positions)
            last = positions[::-1] / ramp if margin_after else np.ones_like(positions)
            weights.append(np.clip(np.minimum(first, last), 0, 1))
        return np.ascontiguousarray(np.minimum.outer(*weights))


def upper_body(photo: UInt8[np.ndarray, "h w 3"], size: tuple[int, int]) -> Frame | None:
    """Find the part of a photo, in the network's shape, whose face is as large as faces were in training.

    Args:
        photo: RGB.
        size: (height, width) of the network.

    Returns:
        None where the photo is framed well already, and where no face is found.
    """
    height, width = photo.shape[:2]
    face = _largest_face(photo)
    if face is None:
        return None
    x, y, face_side = face
    shape = size[1] / size[0]
    has_shape = abs(width / height / shape - 1) < SHAPE
    if has_shape and face_side >= SMALLEST * height:
        return None
    tallest = min(height, width / shape)  # that needs no padding
    tall = min(tallest, face_side / USUAL)
    if face_side > LARGEST * tall:  # a face so near that only padding could make room
        return None
    wide = tall * shape
    top = np.clip(y - CENTRE * tall, 0, height - tall)
    left = np.clip(x - wide / 2, 0, width - wide)
    return Frame(*(round(float(length)) for length in (top, left, tall, wide)))


def _largest_face(photo: UInt8[np.ndarray, "h w 3"]) -> tuple[float, float, float] | None:
    """(x, y) of the centre of the largest face that looks at the camera, and its side; in pixels of the photo."""
    scale = min(1.0, SEARCHED / max(photo.shape[:2]))
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    least = max(24, max(grey.shape) // 15)
    faces = _detector().detectMultiScale(grey, scaleFactor=1.1, minNeighbors=8, minSize=(least, least))
    if not len(faces):
        return None
    x, y, face_side, _ = (float(length) / scale for length in max(faces, key=lambda face: face[2]))
    return x + face_side / 2, y + face_side / 2, face_side


@cache
def _detector() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / FACES))
