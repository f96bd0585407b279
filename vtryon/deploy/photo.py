"""Photos as people have them, from file to upright 8-bit sRGB and back."""

import glob
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from vtryon.data.files.camera_tags import in_srgb, on_white
from vtryon.data.files.header import FaultError
from vtryon.data.files.masks import Mask, mask_of
from vtryon.utils.atomic import atomic_write
from vtryon.utils.file_kind import HEAD, file_kind

Decoded = TypeVar("Decoded")
MAX_PIXELS = 2**26  # 67 megapixels, above what telephones take; a file's header may claim any number


class Photo(NamedTuple):
    """A picture as it is looked at: turned as EXIF says, in sRGB, transparency laid on white, 16 bits brought to 8."""

    image: UInt8[np.ndarray, "h w 3"]
    alpha: UInt8[np.ndarray, "h w"] | None  # None where nothing is transparent


def read_photo(path: Path, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read any still picture that Pillow knows; a file that is none, or is too large, is an error with its path."""
    return _read(path, _decode, max_pixels)


def read_mask(path: Path, max_pixels: int = MAX_PIXELS) -> Mask:
    """Read a garment's mask in any form that `vtryon.data.files.masks` understands, upright; errors name the path."""
    return _read(path, mask_of, max_pixels)


def _read(path: Path, decode: Callable[[Image.Image], Decoded], max_pixels: int) -> Decoded:
    """Open a picture, turn it upright and decode it."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such picture{_instead(path)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels is our limit
            file = Image.open(path)
        with file:
            width, height = file.size
            if width * height <= max_pixels:
                return decode(ImageOps.exif_transpose(file))
    except FaultError as fault:
        raise ValueError(f"{path}: {fault}") from fault
    except Image.DecompressionBombError:
        width = height = "?"
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise ValueError(f"{path}: not a readable picture ({_reason(path, error)})") from error
    raise ValueError(f"{path}: {width} x {height} pixels; at most {max_pixels:,} are read. Make the picture smaller")


def _reason(path: Path, error: Exception) -> str:
    """What the file is instead of a picture, where its first bytes tell; else what Pillow says."""
    with path.open("rb") as file:
        kind = file_kind(file.read(HEAD))
    if isinstance(error, UnidentifiedImageError) and kind is not None and not kind.is_picture:
        return f"{kind.name}; {kind.remedy}"
    return f"{type(error).__name__}: {error}"


def _instead(path: Path) -> str:
    """The names of files that differ in their suffix alone."""
    candidates = path.parent.glob(f"{glob.escape(path.stem)}.*")
    names = sorted(candidate.name for candidate in candidates if candidate.is_file())
    return f", but there is {' and '.join(names)}" if names else ""


def write_photo(path: Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write an RGB picture in the format that the suffix names, whole or not at all; PNG keeps every value."""
    check_suffix(path)
    with atomic_write(path) as temporary:
        if not cv2.imwrite(str(temporary), cv2.cvtColor(image, cv2.COLOR_RGB2BGR)):
            raise OSError(f"{path}: could not be written")


def check_suffix(path: Path) -> None:
    """Raise ValueError unless OpenCV writes files of this name, so that a wrong name costs no computing."""
    if not path.suffix or not cv2.haveImageWriter(str(path)):
        raise ValueError(f"{path}: no picture format has the suffix {path.suffix!r}; use .png, .jpg or .webp")


def _decode(image: Image.Image) -> Photo:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow would clip it
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return Photo(np.repeat(grey[..., None], 3, axis=-1), None)
    if image.mode == "F":
        raise ValueError("floating-point pictures have no range that could be known")
    converted = in_srgb(image)
    image = image if converted is None else converted
    flat, alpha = on_white(image)
    transparent = alpha is not None and alpha.getextrema()[0] < 255
    return Photo(np.array(flat), np.array(alpha) if transparent else None)
