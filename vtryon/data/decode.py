"""The bytes of a file to an array: photo, mask, labels, DensePose parts, keypoints, flow; `FaultError` says why not."""

import json

import cv2
import numpy as np
from jaxtyping import Float, Float64, Shaped, UInt8

from vtryon.data import header
from vtryon.data.header import FaultError

KEYPOINTS = 18  # OpenPose, COCO
_AS_STORED = cv2.IMREAD_IGNORE_ORIENTATION  # a camera's rotation flag would part a photo from its labels


def photo(data: bytes) -> UInt8[np.ndarray, "h w 3"]:
    """A picture in OpenCV's order, BGR; `planes` makes it RGB. A grey photo gets three equal channels."""
    return _picture(data, cv2.IMREAD_COLOR | _AS_STORED, modes=(1, 3))


def mask(data: bytes) -> UInt8[np.ndarray, "h w"]:
    """A grey picture, 0..255."""
    return _picture(data, cv2.IMREAD_GRAYSCALE | _AS_STORED, modes=(1, 3))


def labels(data: bytes) -> UInt8[np.ndarray, "h w"]:
    """Parse labels 0..13: raw ids in a grey picture, which looks almost black."""
    if header.picture(data, data).palette:
        raise FaultError(
            "wrong mode",
            "a palette picture; save the label ids as an 8-bit grey picture",
        )
    ids = _picture(data, cv2.IMREAD_UNCHANGED | _AS_STORED, modes=(1,))
    if ids.dtype != np.uint8:
        raise FaultError(
            "wrong mode",
            f"labels in {ids.dtype}; save the label ids as an 8-bit grey picture",
        )
    if ids.max() > 13:
        raise FaultError(
            "label out of range",
            f"labels are 0..13, found {ids.max()}; map them to the 14 labels",
        )
    return ids


def densepose(data: bytes) -> UInt8[np.ndarray, "h w"]:
    """DensePose's part of each pixel, 0..24, from a .npy file of any number type."""
    values = _array(data)
    if values.ndim != 2:
        raise FaultError(
            "wrong shape",
            f"DensePose parts are (h, w), found {values.shape}; keep the part index I only",
        )
    if not (values.min() >= 0 and values.max() <= 24):  # true for NaN as well
        raise FaultError(
            "part out of range",
            f"DensePose parts are 0..24, found {values.min()}..{values.max()}",
        )
    ids = values.astype(np.uint8)
    if values.dtype.kind == "f" and (ids != values).any():
        raise FaultError(
            "part out of range",
            "DensePose parts are whole numbers, found fractions; resize nearest",
        )
    return ids


def keypoints(data: bytes) -> Float64[np.ndarray, "18 2"]:
    """x and y of OpenPose's first person, in pixels of the photo; zeros where a keypoint or the person is missing."""
    try:
        people = json.loads(data)["people"]
        person = people[0] if people else {"pose_keypoints": [0.0] * 3 * KEYPOINTS}
        numbers = person["pose_keypoints"] if "pose_keypoints" in person else person["pose_keypoints_2d"]
        found = np.array(numbers, dtype=np.float64)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        message = f"not OpenPose's JSON with people[0].pose_keypoints ({type(error).__name__}: {error})"
        raise FaultError("unreadable", message) from None
    if found.shape != (3 * KEYPOINTS,) or not np.isfinite(found).all():
        raise FaultError(
            "wrong shape",
            f"a pose is 18x3 finite numbers (OpenPose COCO), found {found.size} numbers",
        )
    return found.reshape(KEYPOINTS, 3)[:, :2]


def flow(data: bytes) -> Float[np.ndarray, "2 h w"]:
    """A true flow: where in the garment picture, in [-1, 1], each pixel comes from; NaN for none."""
    values = _array(data)
    if values.ndim != 3 or len(values) != 2:
        raise FaultError("wrong shape", f"a flow is (2, h, w), found {values.shape}")
    return values if values.dtype.kind == "f" else values.astype(np.float32)


def planes(image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "3 h w"]:
    """BGR pixels to RGB planes."""
    rgb = np.empty((3, *image.shape[:2]), np.uint8)
    cv2.split(image, [rgb[2], rgb[1], rgb[0]])
    return rgb


def resized(image: UInt8[np.ndarray, "h w ..."], size: tuple[int, int]) -> UInt8[np.ndarray, "h2 w2 ..."]:
    """A picture at `size` (h, w): pixel areas averaged when it shrinks, bilinear when it grows."""
    if image.shape[:2] == size:
        return image
    return cv2.resize(image, size[::-1], interpolation=_interpolation(image.shape[:2], size))


def resized_ids(ids: UInt8[np.ndarray, "h w"], size: tuple[int, int]) -> UInt8[np.ndarray, "h2 w2"]:
    """Labels or parts at `size`: the nearest pixel's, never a mixture."""
    return ids if ids.shape == size else cv2.resize(ids, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def resized_flow(grid: Float[np.ndarray, "2 h w"], size: tuple[int, int]) -> Float[np.ndarray, "2 h2 w2"]:
    """A flow between a garment and a person of its own size, for both of them at `size`.

    Averaged as pictures are, so that it stays in step with them; what touches a NaN becomes NaN. Pictures resize by
    pixel areas while grids count from pixel centre to pixel centre, so coordinates move by a fraction of a pixel.
    """
    source = grid.shape[1:]
    if source == size:
        return grid
    grid = grid.astype(np.float32).transpose(1, 2, 0)
    moved = cv2.resize(grid, size[::-1], interpolation=_interpolation(source, size))
    for axis, (old, new) in enumerate(zip(source[::-1], size[::-1], strict=True)):
        pixel = ((moved[..., axis] + 1) * (old - 1) / 2 + 0.5) * new / old - 0.5
        moved[..., axis] = pixel * 2 / (new - 1) - 1
    return np.ascontiguousarray(moved.transpose(2, 0, 1))


def _interpolation(source: tuple[int, ...], size: tuple[int, ...]) -> int:
    return cv2.INTER_AREA if size[0] <= source[0] and size[1] <= source[1] else cv2.INTER_LINEAR


def _picture(data: bytes, flags: int, modes: tuple[int, ...]) -> Shaped[np.ndarray, "h w ..."]:
    found = header.picture(data, data)
    if found.channels not in modes:
        wanted = " or ".join("grey" if channels == 1 else "RGB" for channels in modes)
        raise FaultError("wrong mode", f"{found.channels} channels; save it as {wanted}")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise FaultError("unreadable", "the picture cannot be decoded; copy the file again")
    return image


def _array(data: bytes) -> Shaped[np.ndarray, "..."]:
    found = header.array(data, len(data))
    numbers = np.frombuffer(data, found.dtype, offset=found.start)
    if numbers.size == 0:
        raise FaultError("wrong shape", f"an empty array, {found.shape}")
    return numbers.reshape(found.shape, order="F" if found.fortran else "C")
