"""Layouts of public try-on data: which folder holds which kind of file, and how labels are to be read."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vtryon.data.files import LAYOUTS, decode, label_tables
from vtryon.data.files.header import FaultError


class Split(NamedTuple):
    """Folders of one split, relative to the root; None where the layout has no such files."""

    folder: str  # holds all of the split
    person: str  # photos
    cloth: str  # garments as the shop shows them
    edge: str | None  # garment masks
    labels: str | None = None  # parse maps
    pose: str | None = None  # OpenPose's keypoints
    densepose: str | None = None  # body parts
    truth: str | None = None  # the person in the other garment, where somebody drew it
    flow: str | None = None  # true flows, likewise


class Layout(NamedTuple):
    """Where a kind of folder keeps its files.

    `lists` gives the pair lists of "train", "unpaired" and "paired", relative to the root; None where there is none and
    every person is paired with the own garment. `endings` is for layouts whose file names end differently for each
    kind: kind → (ending of the name, ending of the id that it belongs to).
    """

    name: str
    train: Split
    test: Split
    lists: Mapping[str, str | None]
    read_labels: Callable[[bytes], np.ndarray]  # the bytes of a parse map to labels 0..13
    person_suffix: str = "_0"  # of the id; the garment worn has `cloth_suffix` in its place
    cloth_suffix: str = "_1"
    endings: Mapping[str, tuple[str, str]] = {}

    def garment_of(self, person: str) -> str:
        """The id of the garment that the person wears in the photo: 000003_0 wears 000003_1.

        A person without the layout's suffix has VITON-HD's names, where both have one id, whatever the folders.
        """
        if not person.endswith(self.person_suffix):
            return person
        return f"{person.removesuffix(self.person_suffix)}{self.cloth_suffix}"


def _pf_afn(cloth: str = "test_clothes") -> Layout:
    train, test = "VITON_traindata", "VITON_test"
    return Layout(
        "pf_afn",
        Split(
            train,
            person=f"{train}/train_img",
            cloth=f"{train}/train_color",
            edge=f"{train}/train_edge",
            labels=f"{train}/train_label",
            pose=f"{train}/train_pose",
            densepose=f"{train}/train_densepose",
            flow=f"{train}/train_flow",
        ),
        Split(
            test,
            person=f"{test}/test_img",
            cloth=f"{test}/{cloth}",
            edge=f"{test}/test_edge",
            labels=f"{test}/test_label",
            truth=f"{test}/test_truth",
            flow=f"{test}/test_flow",
        ),
        {"train": None, "unpaired": f"{test}/test_pairs.txt", "paired": f"{test}/test_pairs_same.txt"},
        decode.labels,
    )


def _cp_vton(folder: str, labels: str = "image-parse", pose: str = "pose") -> Split:
    return Split(
        folder,
        person=f"{folder}/image",
        cloth=f"{folder}/cloth",
        edge=f"{folder}/cloth-mask",
        labels=f"{folder}/{labels}",
        pose=f"{folder}/{pose}",
        densepose=f"{folder}/image-densepose",
    )


def dress_code(category: str) -> Layout:
    """One category's folder (upper_body, lower_body or dresses), which holds both splits; the lists tell them apart."""
    split = Split(
        "images",
        person="images",
        cloth="images",
        edge="cloth_mask",
        labels="label_maps",
        pose="keypoints",
        densepose="dense",
    )
    return Layout(
        "dress_code",
        split,
        split,
        {"train": "train_pairs.txt", "unpaired": "test_pairs_unpaired.txt", "paired": "test_pairs_paired.txt"},
        partial(decode.mapped_labels, table=label_tables.dress_code(category)),
        endings={
            "person": ("_0", "_0"),
            "cloth": ("_1", "_1"),
            "edge": ("_1", "_1"),
            "pose": ("_2", "_0"),
            "labels": ("_4", "_0"),
            "densepose": ("_5", "_0"),
        },
    )


_LISTS_AT_ROOT = {"train": "train_pairs.txt", "unpaired": "test_pairs.txt", "paired": "test_pairs_same.txt"}
PF_AFN = _pf_afn()
PF_AFN_PACKED = _pf_afn("test_color")  # as DM-VTON packs it
CP_VTON = Layout("cp_vton", _cp_vton("train"), _cp_vton("test"), _LISTS_AT_ROOT, decode.lip_labels)
VITON_HD = Layout(
    "viton_hd",
    _cp_vton("train", "image-parse-v3", "openpose_json"),
    _cp_vton("test", "image-parse-v3", "openpose_json"),
    _LISTS_AT_ROOT | {"train": None},  # its own train_pairs.txt pairs persons with garments that they do not wear
    partial(decode.mapped_labels, table=label_tables.CIHP),
    person_suffix="",  # a person and the garment worn have one id
    cloth_suffix="",
)
CATEGORIES = ("upper_body", "lower_body", "dresses")
NAMES = ("auto", *LAYOUTS)


def find_layout(root: str | os.PathLike, name: str = "auto") -> Layout:
    """The layout of the folder `root`, told by the folders in it, or the one that is named.

    Raises:
        FaultError: where the folder has no known layout, several at once, or not the one that is named.
    """
    if name not in NAMES:
        raise ValueError(f"layout (={name!r}) must be one of {', '.join(NAMES)}")
    root = Path(root)
    present = [layout for layout in _candidates(root) if name in ("auto", layout.name)]
    if len(present) == 1:
        return present[0]
    if present:
        mixed = " and ".join(f"{layout.name} ({_marks(layout)})" for layout in present)
        raise FaultError(
            "several layouts",
            f"{root} is half {mixed}; keep one, or name it: data.layout= in a run, --layout in `vtryon data`",
        )
    if any((root / category / "images").is_dir() for category in CATEGORIES):
        raise FaultError("several categories", f"{root} holds Dress Code's categories; give one: {root}/upper_body")
    known_layouts = ", ".join(
        f"{layout.name} ({_marks(layout)})" for layout in (PF_AFN, CP_VTON, VITON_HD, dress_code("dresses"))
    )
    missing = "no known layout" if name == "auto" else f"not the layout {name}"
    raise FaultError("no data folder", f"{root} has {missing}; known are {known_layouts}; give the folder above them")


def _candidates(root: Path) -> list[Layout]:
    """The layouts whose telling folders are there."""
    layouts = []
    if any((root / split.folder).is_dir() for split in (PF_AFN.train, PF_AFN.test)):
        layouts.append(PF_AFN_PACKED if (root / PF_AFN_PACKED.test.cloth).is_dir() else PF_AFN)
    if any((root / split.person).is_dir() for split in (CP_VTON.train, CP_VTON.test)):
        hd = [(root / folder).is_dir() for split in (VITON_HD.train, VITON_HD.test) for folder in split[4:6]]
        cp = [(root / folder).is_dir() for split in (CP_VTON.train, CP_VTON.test) for folder in split[4:6]]
        if any(cp) or not any(hd):
            layouts.append(CP_VTON)
        if any(hd):
            layouts.append(VITON_HD)
    if (root / "images").is_dir():
        layouts.append(dress_code(root.name if root.name in CATEGORIES else CATEGORIES[0]))
    return layouts


def _marks(layout: Layout) -> str:
    """The folders by which a layout is told from the others."""
    return " ".join((layout.train.person, layout.train.labels or ""))
