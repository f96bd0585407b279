"""Check what a data module is asked for, and what its folder holds, before the first sample is read."""

import logging
from collections.abc import Sequence

from vtryon.data.files import decode
from vtryon.data.files.header import FaultError
from vtryon.data.files.reader import DataError, read

ON_BAD, MASKS = ("stop", "skip"), ("given", "made")
SQUEEZED = 0.02  # of a photo's shape, from which it is said that pictures are squeezed
log = logging.getLogger(__name__)


def check_arguments(size: Sequence[int], batch_size: int, workers: int, val_size: int, seen_size: int) -> None:
    """
    Raises:
        ValueError: naming the argument, its value and what is allowed.
    """
    if len(size) != 2 or any(pixels < 32 or pixels % 32 for pixels in size):
        raise ValueError(f"size (={tuple(size)}) must be (h, w), both divisible by 32, such as (256, 192) or (128, 96)")
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("workers", workers, 0),
        ("val_size", val_size, 0),
        ("seen_size", seen_size, 0),
    ):
        if value < least:
            raise ValueError(f"{name} (={value}) must be at least {least}")
    for name, value in (("val_size", val_size), ("seen_size", seen_size)):
        if value == 1:
            raise ValueError(f"{name} (=1) must be 0 or at least 2: its persons exchange garments with each other")


def check_choices(on_bad: str, masks: str) -> None:
    """
    Raises:
        ValueError: `on_bad` is none of `ON_BAD`, or `masks` none of `MASKS`.
    """
    for name, value, allowed in (("on_bad", on_bad, ON_BAD), ("masks", masks, MASKS)):
        if value not in allowed:
            raise ValueError(f"{name} (={value!r}) must be one of {', '.join(allowed)}")


def check_poses(paths: Sequence[str]) -> None:
    """Stop where no person has a pose, without which the tutor would be trained; the first that is there will do."""
    if paths and not any(read(path, decode.keypoints).any() for path in paths):
        fault = FaultError("empty pose", f"as in all {len(paths)} files; detect the poses again")
        raise DataError.at(paths[0], fault)


def warn_if_squeezed(photo: str, size: tuple[int, int]) -> bool:
    """Say that photos of another shape are squeezed into `size` (h, w), where try-on from files keeps their shape."""
    height, width = read(photo, decode.photo).shape[:2]
    stretch = (width / height) / (size[1] / size[0])
    if abs(stretch - 1) <= SQUEEZED:
        return False
    log.warning(
        "photos are %dx%d (height x width) and are squeezed to data.size=[%d,%d], another shape; take one of theirs, "
        "such as [256,192] for 4:3",
        *(height, width, *size),
    )
    return True
