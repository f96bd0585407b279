"""Match the file names of a folder to ids, and tell what is there instead where a file is missing or is there twice."""

import os
from collections.abc import Iterable
from pathlib import Path

from vtryon.data.files.header import FaultError

SUFFIXES = (".npy", ".json", ".png", ".jpg", ".jpeg", ".webp")  # an array goes before pictures of the same id
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
OTHER_PICTURES = (".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jxl", ".ppm", ".tif", ".tiff")


class Names(dict[str, str]):
    """The paths of a folder's files by id; `twins` are all files of an id that has more than one of a kind."""

    def __init__(self, folder: Path, names: Iterable[str]):
        super().__init__()
        self.twins: dict[str, list[str]] = {}
        files: dict[str, dict[str, list[str]]] = {}  # by id and rank, the lowest of which is read
        for name in sorted(names):
            stem, _, suffix = name.rpartition(".")
            suffix = f".{suffix.lower()}"
            if suffix in SUFFIXES and not name.startswith("."):
                rank = ".picture" if suffix in PICTURES else suffix
                files.setdefault(stem.removesuffix("_keypoints"), {}).setdefault(rank, []).append(f"{folder}/{name}")
        for key, ranks in files.items():
            paths = next(ranks[rank] for rank in (".npy", ".json", ".picture") if rank in ranks)
            self[key] = paths[0]
            if len(paths) > 1:
                self.twins[key] = paths

    def ending(self, ending: str, id_ending: str) -> "Names":
        """Those whose name ends so, under the id that ends so: 000003_4 is the parse map of the person 000003_0."""
        chosen = Names(Path(), [])
        for names, target in ((self, chosen), (self.twins, chosen.twins)):
            for key, value in names.items():
                if key.endswith(ending):
                    target[f"{key.removesuffix(ending)}{id_ending}"] = value
        return chosen

    def fault(self, folder: Path, key: str) -> FaultError | None:
        """What keeps the file of this id from being read, if anything does."""
        if key in self.twins:
            return twins(self.twins[key])
        if key in self:
            return None
        return absent(key, unread(folder))


def twins(paths: list[str]) -> FaultError:
    """The error of an id with several files."""
    names = " and ".join(Path(path).name for path in paths)
    return FaultError("two files of one id", f"{names} are both there; keep the right one")


def absent(key: str, instead: dict[str, str]) -> FaultError:
    """The error of an id without a file; `instead` are the folder's files of other formats, from `unread`."""
    if key in instead:
        message = f"{instead[key]} is there, but only {', '.join(SUFFIXES)} are read; save it as one of them"
        return FaultError("unread format", message)
    remedy = "put it there, or take them out; data.on_bad=skip leaves such samples out of a training"
    return FaultError("missing file", f"its partners or a pair list name it; {remedy}")


def unread(folder: Path) -> dict[str, str]:
    """The names of a folder's files whose suffix nobody here reads, by id."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return {}
    unread_names = {}
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        if dot and f".{suffix.lower()}" not in SUFFIXES and not name.startswith("."):
            unread_names[stem.removesuffix("_keypoints")] = name
    return unread_names
