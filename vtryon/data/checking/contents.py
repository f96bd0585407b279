"""Look at all files of a data folder, and compare those that belong together: sizes, turned photos, poses."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from vtryon.data.checking.inspection import Decoder, Look, Problem, look_at
from vtryon.data.files import camera_tags
from vtryon.data.files.header import FaultError
from vtryon.data.files.names import Names

AT_ONCE = 256  # files between two steps of the progress bar
DRAWN_OVER = {  # kinds of files that show, pixel by pixel, what the picture of the same id shows
    "person": ("labels", "densepose"),
    "cloth": ("edge",),
}


class Subfolder(NamedTuple):
    """One kind of file: how to decode it, and what there is, by id."""

    path: Path
    decoder: Decoder
    files: Names
    split: str  # "train" or "test"
    kind: str  # a field of `vtryon.data.files.layouts.Split`


def contents(subfolders: list[Subfolder], progress: Callable[[int, int], object]) -> list[Problem]:
    """Decode every file, then compare those that belong together; a size is wrong when most files have another."""
    files = [(path, folder.decoder) for folder in subfolders for path in folder.files.values()]
    looks: dict[str, Look] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first_index in range(0, len(files), AT_ONCE):
            for look in pool.map(lambda file: look_at(*file), files[first_index : first_index + AT_ONCE]):
                looks[look.path] = look
            progress(len(looks), len(files))
    problems = [problem for look in looks.values() for problem in look.problems]
    shapes, unclear = _photo_shapes(subfolders, looks)
    problems += unclear + _poses_outside(subfolders, looks, shapes)
    sizes = {path: shapes.get(path, look.shape) for path, look in looks.items()}
    counts = Counter(size for size in sizes.values() if size is not None)
    usual = counts.most_common(1)[0][0] if counts else None
    for path, size in sizes.items():
        if size not in (None, usual):
            detail = "{}x{}, but most files are {}x{} (height x width)".format(*size, *usual)
            problems.append(Problem(path, "wrong size", detail))
    return problems


def _photo_shapes(
    subfolders: list[Subfolder], looks: dict[str, Look]
) -> tuple[dict[str, tuple[int, int] | None], list[Problem]]:
    """Shapes of the photos that a camera marked as turned, as the loader reads them, and a problem or note of each."""
    files = {(folder.split, folder.kind): folder.files for folder in subfolders}
    shapes, problems = {}, []
    for folder in subfolders:
        for name, path in folder.files.items():
            look = looks[path]
            if look.flag == camera_tags.UPRIGHT or look.shape is None:
                continue
            drawn = []
            for kind in DRAWN_OVER.get(folder.kind, ()):
                partner = files.get((folder.split, kind), {}).get(name)
                if partner is not None and looks[partner].shape is not None:
                    drawn.append(looks[partner].shape)
            try:
                flag = camera_tags.flag_for(look.flag, look.shape, drawn)
            except FaultError as fault:
                problems.append(Problem(path, fault.kind, fault.detail))
                shapes[path] = None
                continue
            shapes[path] = look.shape[::-1] if flag in camera_tags.QUARTER_TURNS else look.shape
            how = "left as stored, as its labels or its mask are" if flag == camera_tags.UPRIGHT else "turned when read"
            problems.append(Problem(path, "marked as turned", f"EXIF orientation {look.flag}; it is {how}"))
    return shapes, problems


def _poses_outside(
    subfolders: list[Subfolder], looks: dict[str, Look], shapes: dict[str, tuple[int, int] | None]
) -> list[Problem]:
    """Poses whose keypoints are of another picture than their photo."""
    files = {(folder.split, folder.kind): folder.files for folder in subfolders}
    problems = []
    for split in ("train", "test"):
        poses, photos = files.get((split, "pose"), {}), files.get((split, "person"), {})
        for name in poses.keys() & photos.keys():
            look, photo = looks[poses[name]], photos[name]
            shape = shapes.get(photo, looks[photo].shape)
            if look.pose is None or shape is None:
                continue
            try:
                look.pose.in_photo(shape)
            except FaultError as fault:
                problems.append(Problem(look.path, fault.kind, fault.detail))
    return problems
