"""Photos as people have them, from file to upright 8-bit RGB and back."""

import warnings
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from vtryon.nn.atomic import atomic_write

MAX_PIXELS = 2**26  # 67 megapixels, above what telephones take; a file's header may claim any number


class Photo(NamedTuple):
    """A picture as it is looked at: turned as EXIF says, transparency laid on white, 16 bits brought to 8."""

    image: UInt8[np.ndarray, "h w 3"]
    alpha: UInt8[np.ndarray, "h w"] | None  # None where nothing is transparent


def read_photo(path: Path, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read any still picture that Pillow knows; a file that is none, or is too large, is an error with its path."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels is our limit
            file = Image.open(path)
        with file:
            width, height = file.size
            if width * height <= max_pixels:
                return _decode(ImageOps.exif_transpose(file))
    except Image.DecompressionBombError:
        width = height = "?"
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise ValueError(f"{path}: not a readable picture ({type(error).__name__}: {error})") from error
    raise ValueError(f"{path}: {width} x {height} pixels; at most {max_pixels:,} are read. Make the picture smaller")


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
    if not image.has_transparency_data:
        return Photo(np.array(image.convert("RGB")), None)
    image = image.convert("RGBA")
    alpha = np.array(image.getchannel("A"))
    flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return Photo(np.array(flat), alpha if alpha.min() < 255 else None)
