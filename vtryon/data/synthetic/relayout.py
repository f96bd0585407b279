"""A procedural folder in another layout: the same pictures where CP-VTON, VITON-HD or Dress Code would have them."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from vtryon.data.files import decode, label_tables
from vtryon.data.files.label_tables import LabelTable, Parse
from vtryon.data.files.layouts import CP_VTON, PF_AFN, VITON_HD, Layout, Split, dress_code
from vtryon.data.files.openpose import OF_BODY_25
from vtryon.data.files.pairs import find_pairs
from vtryon.data.files.reader import files_of, read
from vtryon.utils.atomic import atomic_folder

KINDS = ("person", "cloth", "edge", "labels", "pose", "densepose")  # true flows and try-ons have no place elsewhere
TARGETS = {
    "cp_vton": (CP_VTON, label_tables.LIP),
    "viton_hd": (VITON_HD, label_tables.CIHP),
    "dress_code": (dress_code("upper_body"), label_tables.dress_code("upper_body")),
}


def relayout(source: str | os.PathLike, out: str | os.PathLike, name: str, densepose: bool = True) -> None:
    """Write the folder `source`, in PF-AFN's layout, as `out` in the layout `name`, a key of `TARGETS`.

    Labels get the ids of that layout's data set, poses its form. Without `densepose` the body parts are left out, which
    are then drawn when the folder is read.

    Raises:
        ValueError: no such layout.
        FileExistsError: `out` is there.
    """
    if name not in TARGETS:
        raise ValueError(f"layout (={name!r}) must be one of pf_afn, {', '.join(TARGETS)}")
    target, table = TARGETS[name]
    with atomic_folder(Path(out)) as folder:
        for source_split, target_split in ((PF_AFN.train, target.train), (PF_AFN.test, target.test)):
            for kind in KINDS if densepose else KINDS[:-1]:
                _copy_kind(Path(source), folder, (source_split, target_split), kind, target, table)
        for split, path in target.lists.items():
            if path is not None:
                _write_list(Path(source), folder / path, split, target)


def _copy_kind(
    source: Path, folder: Path, splits: tuple[Split, Split], kind: str, target: Layout, table: LabelTable
) -> None:
    files = files_of(source, PF_AFN, splits[0], kind)
    target_folder = getattr(splits[1], kind)
    if files is None or target_folder is None:
        return
    (folder / target_folder).mkdir(parents=True, exist_ok=True)
    writers: dict[str, Callable[[str, Path], None]] = {
        "labels": lambda source_file, stem: _write_ids(_foreign(read(source_file, decode.labels), table), stem),
        "densepose": lambda source_file, stem: _write_ids(read(source_file, decode.densepose), stem),
        "pose": lambda source_file, stem: _write_pose(read(source_file, decode.keypoints), stem, target.name),
    }
    for name, source_file in files.items():
        stem = folder / target_folder / _stem(name, kind, target)
        if kind in writers:
            writers[kind](source_file, stem)
        else:
            shutil.copy(source_file, f"{stem}{Path(source_file).suffix}")


def _new_id(name: str, target: Layout) -> str:
    """The id of a person (000003_0) or a garment (000003_1) in the layout's own form: 00003_00 for both in VITON-HD."""
    return f"{int(name[:-2]):05d}_00" if target is VITON_HD else name


def _stem(name: str, kind: str, target: Layout) -> str:
    """A file's name without its suffix."""
    if kind not in target.endings:
        return _new_id(name, target)
    ending, id_ending = target.endings[kind]
    return f"{name.removesuffix(id_ending)}{ending}"


def _foreign(labels: UInt8[np.ndarray, "h w"], table: LabelTable) -> UInt8[np.ndarray, "h w"]:
    """The 14 labels as ids of the data set: the last of its labels that means the same, so that arms are no gloves."""
    ids = np.zeros(len(Parse.__members__) + 2, np.uint8)  # 2 and 3 are unused
    for number, meaning in enumerate(table.to_parse):
        ids[meaning] = number if meaning != Parse.BACKGROUND else 0
    ids[Parse.NOISE] = ids[Parse.UPPER_CLOTHES]
    return ids[labels]


def _write_ids(ids: UInt8[np.ndarray, "h w"], stem: Path) -> None:
    picture = Image.fromarray(ids)
    picture.putpalette([(37 * value) % 256 for value in range(768)])
    picture.save(f"{stem}.png")


def _write_pose(points: Float[np.ndarray, "18 2"], stem: Path, layout: str) -> None:
    sure = (points > 0).any(axis=1, keepdims=True).astype(float)
    rows = np.concatenate([points, sure], axis=1)
    if layout == "dress_code":
        content: dict = {"keypoints": np.concatenate([rows, sure], axis=1).tolist()}
    elif layout == "viton_hd":
        body = np.zeros((25, 3))
        body[list(OF_BODY_25)] = rows
        content = {"version": 1.3, "people": [{"pose_keypoints_2d": body.ravel().tolist()}]}
    else:
        content = {"version": 1.0, "people": [{"pose_keypoints": rows.ravel().tolist()}]}
    name = f"{stem}.json" if layout == "dress_code" else f"{stem}_keypoints.json"
    Path(name).write_text(json.dumps(content))


def _write_list(source: Path, path: Path, split: str, target: Layout) -> None:
    pairs = find_pairs(source, split, layout=PF_AFN).ids
    lines = [f"{_new_id(person, target)}.jpg {_new_id(cloth, target)}.jpg\n" for person, cloth in pairs]
    path.write_text("".join(lines))
