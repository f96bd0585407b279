"""Apply what a camera wrote beside the pixels: which edge is up (EXIF) and what the colours mean (a profile, ICC).

Both are invisible to a decoder that only reads pixels. A photo whose EXIF flag is ignored lies on its side; a photo in
Display P3 or Adobe RGB that is read as sRGB is off by 2 to 10 units of CIE76, more in strong reds and greens.

Which way a photo is turned matters only together with what was drawn over it pixel by pixel: its labels, parts or mask.
Programs that make these read the flag (OpenCV, browsers) or do not (Pillow, scikit-image), so the files tell:

* nothing was drawn over the photo: it is turned as every viewer turns it;
* a quarter turn: the photo is turned if what was drawn has the turned shape, and left as stored if it has that one;
* half a turn, a mirror image or a square photo: the shapes agree both ways, so the photo is refused.
"""

import io
import warnings
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageCms

from vtryon.data.files.header import FaultError

ORIENTATION = 0x0112  # EXIF
UPRIGHT, QUARTER_TURNS = 1, (5, 6, 7, 8)
SAME = 2  # of 255: profiles that move no colour by more are other spellings of sRGB
_WAYS = {2: "mirrored", 3: "upside down", 4: "upside down and mirrored", 5: "on its side and mirrored"}
_WAYS |= {6: "on its side", 7: "on its side and mirrored", 8: "on its side"}


def applied(
    pixels: UInt8[np.ndarray, "h w ..."], data: bytes, drawn: Iterable[tuple[int, int]] | None = ()
) -> UInt8[np.ndarray, "h2 w2 ..."]:
    """Bring decoded BGR or grey `pixels` to sRGB and upright, by the tags in the file's bytes `data`.

    `drawn` are the shapes (h, w) of what was drawn over the picture; None leaves its orientation alone.

    Raises:
        FaultError: the orientation cannot be decided, or the profile cannot be read.
    """
    with opened(data) as image:
        flag, has_profile = orientation(image), "icc_profile" in image.info
    if has_profile and pixels.ndim == 3:
        with opened(data, load=True) as image:
            converted = in_srgb(image)
        if converted is not None:
            pixels = np.ascontiguousarray(np.asarray(converted.convert("RGB"))[..., ::-1])
    return pixels if drawn is None else turned(pixels, flag_for(flag, pixels.shape[:2], drawn))


def opened(data: bytes, load: bool = False) -> Image.Image:
    """Pillow's view of a file whose header has been checked already, with its pixels where `load`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on sizes and on odd EXIF, which the caller judges
            image = Image.open(io.BytesIO(data))
            if load:
                image.load()
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise FaultError("unreadable", "the picture cannot be decoded; copy the file again") from error
    return image


def orientation(image: Image.Image) -> int:
    """EXIF's flag, 1 to 8; 1, upright, where there is none or a broken one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of EXIF that it cannot parse
            flag = image.getexif().get(ORIENTATION, UPRIGHT)
    except Exception:  # of broken EXIF, as lenient as viewers are: the pixels are whole
        return UPRIGHT
    return flag if flag in _WAYS else UPRIGHT


def flag_for(flag: int, stored: tuple[int, int], drawn: Iterable[tuple[int, int]]) -> int:
    """The flag by which a photo of shape `stored` is to be turned, given the shapes of what was drawn over it.

    Raises:
        FaultError: the shapes do not tell.
    """
    if flag == UPRIGHT:
        return flag
    drawn = list(drawn)
    if not drawn:
        return flag
    if flag in QUARTER_TURNS and stored[0] != stored[1]:
        as_stored = all(_same_shape(shape, stored) for shape in drawn)
        as_shown = all(_same_shape(shape, stored[::-1]) for shape in drawn)
        if as_stored != as_shown:
            return flag if as_shown else UPRIGHT
    shapes = ", ".join(f"{height}x{width}" for height, width in dict.fromkeys(drawn))
    stands = f"EXIF says {_WAYS[flag]} (orientation {flag}), and {stored[0]}x{stored[1]} pixels beside {shapes} of its"
    raise FaultError(
        "turned photo",
        f"{stands} labels or mask do not tell whether those were drawn before turning or after; save both upright",
    )


def turned(pixels: Shaped[np.ndarray, "h w ..."], flag: int) -> Shaped[np.ndarray, "h2 w2 ..."]:
    """The picture as EXIF's `flag` wants it shown: transposed, then mirrored (EXIF 2.3, table 6)."""
    if flag == UPRIGHT:
        return pixels
    if flag in QUARTER_TURNS:
        pixels = pixels.swapaxes(0, 1)
    if flag in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if flag in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def in_srgb(image: Image.Image) -> Image.Image | None:
    """The picture's colours in sRGB, RGB or RGBA; None where they are sRGB already or nothing says what they are.

    Raises:
        FaultError: the embedded profile is broken or belongs to other colours than the picture's.
    """
    profile, mode = image.info.get("icc_profile"), _colours(image)
    if not profile or mode is None:
        return None
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    image = image if image.mode == mode else image.convert(mode)
    try:
        transform = _transform(profile, image.mode)
        converted = None if transform is None else ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, ValueError, OSError) as error:
        message = f"the embedded profile does not fit {image.mode} pixels ({error}); save the picture as sRGB"
        raise FaultError("colour profile", message) from None
    if converted is not None and alpha is not None:
        converted.putalpha(alpha)
    return converted


def on_white(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The picture in RGB, what is transparent laid on white, and its alpha channel, None where it has none."""
    if not image.has_transparency_data:
        return image.convert("RGB"), None
    image = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return flat.convert("RGB"), image.getchannel("A")


def profile_name(image: Image.Image) -> str | None:
    """The name of the embedded profile, of one that `in_srgb` has read; None where colours are sRGB already."""
    profile, mode = image.info.get("icc_profile"), _colours(image)
    if not profile or mode is None or _transform(profile, mode) is None:
        return None
    name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
    return name or "a profile without a name"


def _colours(image: Image.Image) -> str | None:
    """The mode in which a profile is applied; None for 16-bit grey, whose profile is but a tone curve."""
    if image.mode.startswith(("I", "F")):
        return None
    return {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "RGBX": "RGB", "LA": "L", "1": "L"}.get(image.mode, image.mode)


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From `profile` to sRGB; None where that moves no colour by more than `SAME`."""
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(source, target, mode, "RGB", ImageCms.getDefaultIntent(source))
    if mode not in ("RGB", "L"):
        return transform
    ramp = np.arange(0, 256, 17, dtype=np.uint8)
    if mode == "RGB":
        colours = np.stack(np.meshgrid(ramp, ramp, ramp, indexing="ij"), axis=-1).reshape(16, -1, 3)
    else:
        colours = np.repeat(ramp[:, None], 16, axis=1)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(colours), transform)).astype(int)
    is_srgb = np.abs(moved - (colours if mode == "RGB" else colours[..., None])).max() <= SAME
    return None if is_srgb else transform


def _same_shape(shape: tuple[int, int], reference: tuple[int, int]) -> bool:
    """Shapes of one picture at two sizes: the sides agree to within two pixels of rounding."""
    return abs(shape[0] * reference[1] - shape[1] * reference[0]) <= 2 * max(reference)
