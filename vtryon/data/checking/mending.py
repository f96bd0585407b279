"""Mend the bytes of one file of a data folder: a photo, a mask, a label map, a pair list."""

import io
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vtryon.data.checking.mask_damage import MOST_COVER, damage
from vtryon.data.cloth_mask import garment_mask
from vtryon.data.files import camera_tags, decode, header, masks
from vtryon.data.files.header import FaultError

COVERED = 0.9  # of a given mask's area, by the one made in its place
SAME_PICTURE = 8  # of 255: mean difference of a picture and its JPEG


class Mended(NamedTuple):
    """What is to stand in the place of a file."""

    data: bytes
    suffix: str
    kinds: list[str]  # of the problems that are mended, keys of `vtryon.data.checking.summary.KINDS`


def photo(data: bytes, drawn: Iterable[tuple[int, int]]) -> Mended | None:
    """A photo upright and in sRGB without transparency, as PNG; None where nothing is to mend, or cannot be.

    `drawn` are the shapes of what was drawn over it, by which `camera_tags.flag_for` decides its orientation.
    """
    try:
        plain = header.picture(data, data)
        if not plain.tagged and plain.channels in (1, 3):
            return None
        kinds = []
    except FaultError as fault:
        if fault.kind != "another kind of file":
            return None
        kinds = ["unread format"]
    try:
        image, alpha, mended_kinds = _upright_srgb(data, drawn)
    except FaultError:
        return None
    kinds += mended_kinds + (["transparency"] if alpha is not None else [])
    return Mended(_png(image), ".png", kinds) if kinds else None


def mask(data: bytes | None, garment: bytes | None) -> Mended | None:
    """A mask white on black as PNG, made anew from the garment's picture where the given one is bad or None.

    A given mask that can be read gives way only to a new one that is sound and covers it: of white shirts before white
    the threshold that tore them often saw more than `cloth_mask` does.
    """
    try:
        given_mask = decode.read_mask(data) if data is not None else None
        faults = ["missing mask"] if given_mask is None else [kind for kind, _ in damage(given_mask.pixels).problems()]
    except FaultError as fault:
        given_mask, faults = None, [fault.kind if data else "empty"]
    if faults and garment is not None:
        made_mask = _made(garment, () if given_mask is None else [given_mask.pixels.shape])
        if made_mask is not None and (given_mask is None or _better(made_mask, given_mask.pixels)):
            return Mended(_png(made_mask), ".png", faults)
    if given_mask is None or given_mask.reading is None:
        return None
    return Mended(_png(given_mask.pixels), ".png", ["unusual mask"])


def labels(data: bytes) -> Mended | None:
    """The ids of a palette picture as a grey one; None where it is none, or holds ids that are no labels."""
    try:
        if not header.picture(data, data).palette:
            return None
        with camera_tags.opened(data, load=True) as image:
            ids = np.asarray(image)
    except FaultError:
        return None
    return Mended(_png(ids), ".png", ["palette"]) if ids.max() <= 13 else None


def pairs(ids: list[tuple[str, str]], persons: Iterable[str], cloths: Iterable[str]) -> Mended | None:
    """A pair list with each pair once and only such whose files are there; None where that changes nothing."""
    persons, cloths = set(persons), set(cloths)
    once = list(dict.fromkeys(ids))
    pairs_with_files = [(person, cloth) for person, cloth in once if person in persons and cloth in cloths]
    kinds = ["pair twice"] * (len(once) < len(ids)) + ["pair without file"] * (len(pairs_with_files) < len(once))
    text = "".join(f"{person}.jpg {cloth}.jpg\n" for person, cloth in pairs_with_files)
    return Mended(text.encode(), ".txt", kinds) if kinds and pairs_with_files else None


def best_twin(files: dict[str, bytes], decoder: Callable[[bytes], np.ndarray]) -> str | None:
    """The name of the file to keep of several with one id that hold the same, the lossless one; None if they differ."""
    try:
        decoded = [decoder(data) for data in files.values()]
    except FaultError:
        return None
    first = decoded[0].astype(np.float32)
    if any(twin.shape != first.shape or np.abs(twin - first).mean() > SAME_PICTURE for twin in decoded[1:]):
        return None
    return min(files, key=lambda name: (not name.lower().endswith(".png"), name))


def _upright_srgb(
    data: bytes, drawn: Iterable[tuple[int, int]]
) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w"] | None, list[str]]:
    """The picture in RGB, its alpha channel, and the kinds of problems that were mended."""
    with camera_tags.opened(data) as image:
        width, height = image.size
        if width * height > header.MOST_PIXELS:
            raise FaultError("too large", f"{height}x{width} pixels")
    with camera_tags.opened(data, load=True) as image:
        flag = camera_tags.orientation(image)
        converted = camera_tags.in_srgb(image)
        kinds = ["marked as turned"] * (flag != camera_tags.UPRIGHT) + ["colour profile"] * (converted is not None)
        kinds += ["CMYK"] * (image.mode == "CMYK")
        flat, alpha = camera_tags.on_white(image if converted is None else converted)
    flag = camera_tags.flag_for(flag, (height, width), drawn)
    alpha = None if alpha is None else camera_tags.turned(np.asarray(alpha), flag)
    return camera_tags.turned(np.asarray(flat), flag), alpha, kinds


def _made(garment: bytes, drawn: Iterable[tuple[int, int]]) -> UInt8[np.ndarray, "h w"] | None:
    """A mask from the bytes of a garment's picture; None where none can be made that would be read as it is."""
    try:
        pixels, alpha, _ = _upright_srgb(garment, drawn)
        made_mask = garment_mask(pixels, alpha)
        sound = masks.read_mask(made_mask).reading is None and damage(made_mask).cover <= MOST_COVER
    except ValueError:  # a fault of the file as well
        return None
    return made_mask if sound else None


def _better(made_mask: UInt8[np.ndarray, "h w"], given_mask: UInt8[np.ndarray, "h w"]) -> bool:
    """Whether a made mask is free of damage and covers the given one, unless that was of the whole picture."""
    if damage(made_mask).problems() or made_mask.shape != given_mask.shape:
        return False
    white = given_mask > 127
    return damage(given_mask).cover > MOST_COVER or bool((white & (made_mask > 127)).sum() >= COVERED * white.sum())


def _png(pixels: UInt8[np.ndarray, "h w *c"]) -> bytes:
    Image.fromarray(pixels).save(file := io.BytesIO(), "PNG", optimize=False)
    return file.getvalue()
