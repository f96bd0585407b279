"""The bytes of a file to an array: photo, mask, labels, DensePose parts, keypoints, flow; `FaultError` says why not."""

import io
from collections.abc import Iterable

import cv2
import numpy as np
from jaxtyping import Float, Float64, Shaped, UInt8
from PIL import Image

from vtryon.data.files import camera_tags, header, label_tables, masks, openpose
from vtryon.data.files.header import FaultError
from vtryon.data.files.label_tables import LabelTable

_AS_STORED = cv2.IMREAD_IGNORE_ORIENTATION  # `camera_tags` turns pictures, by what was drawn over them


def photo(data: bytes, drawn: Iterable[tuple[int, int]] | None = ()) -> UInt8[np.ndarray, "h w 3"]:
    """A picture in sRGB and in OpenCV's order, BGR; `planes` makes it RGB. A grey photo gets three equal channels.

    `drawn` are the shapes (h, w) of labels, parts or a mask that belong to it: they decide whether a photo that the
    camera marked as turned is turned (`camera_tags.flag_for`). With None it stays as stored.
    """
    kind, image = _picture(data, cv2.IMREAD_COLOR | _AS_STORED, modes=(1, 3))
    return camera_tags.applied(image, data, drawn) if kind.tagged else image


def mask(data: bytes) -> UInt8[np.ndarray, "h w"]:
    """A garment's mask of any form, 0..255, garment above 127."""
    return read_mask(data).pixels


def read_mask(data: bytes) -> masks.Mask:
    """A garment's mask with how it was read: a JPEG, PNG or WebP picture, or a .npy array."""
    if data.startswith(b"\x93NUMPY"):
        return masks.read_mask(_array(data))
    kind = header.picture(data, data)
    if kind.channels in (1, 3) and kind.depth <= 8 and not kind.palette:
        grey = _picture(data, cv2.IMREAD_GRAYSCALE | _AS_STORED, modes=(1, 3))[1]
        if masks.ordinary(grey):
            return masks.Mask(camera_tags.applied(grey, data) if kind.tagged else grey)
    with camera_tags.opened(data, load=True) as image:
        pixels, reading = masks.mask_of(image)
    return masks.Mask(camera_tags.applied(pixels, data) if kind.tagged else pixels, reading)


def labels(data: bytes) -> UInt8[np.ndarray, "h w"]:
    """Parse labels 0..13: raw ids in a grey picture, which looks almost black."""
    if header.picture(data, data).palette:
        raise FaultError("palette", "a palette picture; save the label ids as an 8-bit grey picture")
    if header.picture(data, data).channels != 1:
        raise FaultError("wrong mode", "a parse map in colours; save the 14 label ids as an 8-bit grey picture")
    ids = _picture(data, cv2.IMREAD_UNCHANGED | _AS_STORED, modes=(1,))[1]
    if ids.dtype != np.uint8:
        raise FaultError(
            "wrong mode",
            f"labels in {ids.dtype}; save the label ids as an 8-bit grey picture",
        )
    if ids.max() > 13:
        raise FaultError(
            "label out of range",
            f"labels are 0..13, found {ids.max()}; map them to the 14 labels of vtryon.data.parse, or name the layout "
            "whose labels they are, data.layout=",
        )
    return ids


def lip_labels(data: bytes) -> UInt8[np.ndarray, "h w"]:
    """Parse labels 0..13 from CP-VTON's picture of LIP's labels 0..19, and 20 for the neck: palette or 8-bit grey."""
    return mapped_labels(data, label_tables.LIP)


def mapped_labels(data: bytes, table: LabelTable) -> UInt8[np.ndarray, "h w"]:
    """Parse labels 0..13 from a palette or 8-bit grey PNG of another data set's label ids."""
    ids = _ids(data, "a parse map", f"{table.name}'s label ids")
    if ids.max() >= len(table.to_parse):
        message = f"{table.name}'s labels are 0..{len(table.to_parse) - 1}, found {ids.max()}"
        raise FaultError("label out of range", f"{message}; save the ids as they are, neither colours nor grey levels")
    return table.to_parse[ids]


def densepose(data: bytes) -> UInt8[np.ndarray, "h w"]:
    """DensePose's part of each pixel, 0..24: a .npy file of any number type, or a palette or 8-bit grey PNG."""
    if not data.startswith(b"\x93NUMPY"):
        return _checked_parts(_ids(data, "body parts", "DensePose's part ids"))
    values = _array(data)
    if values.ndim != 2:
        raise FaultError(
            "wrong shape",
            f"DensePose parts are (h, w), found {values.shape}; keep the part index I only",
        )
    return _checked_parts(values)


def _checked_parts(values: Shaped[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
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


def _ids(data: bytes, picture_kind: str, numbers: str) -> UInt8[np.ndarray, "h w"]:
    """The numbers that a palette or grey PNG stores; OpenCV would turn a palette's indices into its colours."""
    header.picture(data, data)
    remedy = f"save {numbers} as a palette or 8-bit grey PNG"
    try:
        picture = Image.open(io.BytesIO(data))
        ids = np.asarray(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise FaultError("unreadable", f"the picture cannot be decoded ({error}); copy the file again") from None
    if picture.format != "PNG":
        raise FaultError("wrong mode", f"a {picture.format}, which blurs labels; {remedy}")
    if picture.mode not in ("P", "L"):
        kind = "16 bits" if picture.mode.startswith("I") else "colours"
        raise FaultError("wrong mode", f"{picture_kind} in {kind}; {remedy}")
    return ids


def keypoints(data: bytes, photo: tuple[int, int] | None = None) -> Float64[np.ndarray, "18 2"]:
    """x and y of the person in an OpenPose file, in pixels of a photo of shape (h, w); zeros where one is missing.

    Without a photo the numbers come as the file has them, to see whether it can be read.
    """
    pose = openpose.read_pose(data)
    return pose.points if photo is None else pose.in_photo(photo)


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
    for axis, (source_length, target_length) in enumerate(zip(source[::-1], size[::-1], strict=True)):
        pixel = ((moved[..., axis] + 1) * (source_length - 1) / 2 + 0.5) * target_length / source_length - 0.5
        moved[..., axis] = pixel * 2 / (target_length - 1) - 1
    return np.ascontiguousarray(moved.transpose(2, 0, 1))


def _interpolation(source: tuple[int, ...], size: tuple[int, ...]) -> int:
    return cv2.INTER_AREA if size[0] <= source[0] and size[1] <= source[1] else cv2.INTER_LINEAR


def _picture(data: bytes, flags: int, modes: tuple[int, ...]) -> tuple[header.Picture, Shaped[np.ndarray, "h w ..."]]:
    """The header and the pixels as stored; `modes` are the numbers of channels that are allowed."""
    kind = header.picture(data, data)
    if kind.channels not in modes:
        allowed = " or ".join("grey" if channels == 1 else "RGB" for channels in modes)
        fault = {4: "transparency", 2: "transparency"}.get(kind.channels, "wrong mode")
        if fault == "transparency" and data.startswith(b"\xff\xd8"):
            fault = "CMYK"
        raise FaultError(fault, f"{kind.channels} channels; save it as {allowed}")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise FaultError("unreadable", "the picture cannot be decoded; copy the file again")
    return kind, image


def _array(data: bytes) -> Shaped[np.ndarray, "..."]:
    array_header = header.array(data, len(data))
    numbers = np.frombuffer(data, array_header.dtype, offset=array_header.offset)
    if numbers.size == 0:
        raise FaultError("wrong shape", f"an empty array, {array_header.shape}")
    return numbers.reshape(array_header.shape, order="F" if array_header.fortran else "C")
