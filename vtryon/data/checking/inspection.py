"""Look at one file of a data folder as the loader reads it, and say what is wrong or unusual about it."""

from collections.abc import Callable
from typing import NamedTuple

from vtryon.data.checking.mask_damage import damage
from vtryon.data.files import camera_tags, decode, header, openpose
from vtryon.data.files.header import FaultError
from vtryon.data.files.reader import content

Decoder = Callable[[bytes], object]


class Problem(NamedTuple):
    """One thing to mend."""

    path: str
    kind: str  # a few words that problems share, a key of `vtryon.data.checking.summary.KINDS`
    detail: str


class Look(NamedTuple):
    """What a file holds, as far as it can be said without the files that belong to it."""

    path: str
    problems: list[Problem]
    shape: tuple[int, int] | None = None  # (h, w); of a photo as stored, of a mask and of maps as read
    flag: int = camera_tags.UPRIGHT  # EXIF's orientation of a photo
    pose: openpose.Pose | None = None


def look_at(path: str, decoder: Decoder) -> Look:
    """Decode a file of a folder whose files are read by `decoder`, one of `vtryon.data.files.decode`'s functions."""
    try:
        data = content(path)
        look = _LOOKS.get(decoder, _decoded)(path, data, decoder)
    except FaultError as fault:
        return Look(path, [Problem(path, fault.kind, fault.detail)])
    return look


def _decoded(path: str, data: bytes, decoder: Decoder) -> Look:
    values = decoder(data)
    return Look(path, [], values.shape[1:] if decoder is decode.flow else values.shape[:2])


def _photo(path: str, data: bytes, decoder: Decoder) -> Look:
    kind = header.picture(data, data)
    decode.photo(data, drawn=None)
    problems, flag = [], camera_tags.UPRIGHT
    if kind.tagged:
        with camera_tags.opened(data) as image:
            flag, profile = camera_tags.orientation(image), camera_tags.profile_name(image)
        if profile is not None:
            problems.append(Problem(path, "colour profile", f"{profile}; its colours are converted to sRGB when read"))
    return Look(path, problems, kind.size, flag)


def _mask(path: str, data: bytes, decoder: Decoder) -> Look:
    mask = decode.read_mask(data)
    problems = [Problem(path, *problem) for problem in damage(mask.pixels).problems()]
    if mask.reading is not None:
        problems.append(Problem(path, "unusual mask", f"read as: {mask.reading}"))
    return Look(path, problems, mask.pixels.shape)


def _pose(path: str, data: bytes, decoder: Decoder) -> Look:
    pose = openpose.read_pose(data)
    problems = []
    if not pose.detected.any():
        problems.append(Problem(path, "empty pose", "no person, or no keypoint of one; detect the pose again"))
    return Look(path, problems, pose=pose)


_LOOKS: dict[Decoder, Callable[[str, bytes, Decoder], Look]] = {
    decode.photo: _photo,
    decode.mask: _mask,
    decode.keypoints: _pose,
}
