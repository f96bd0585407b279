"""Broken training files end a run with their path, or leave their sample out, counted and with a reason."""

import cv2
import numpy as np
import pytest

from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files.reader import DataError

SIZE = (64, 32)
FAULTS = {  # subfolder, what is done to its first file, and what the message says
    "truncated photo": ("train_img", lambda path: path.write_bytes(path.read_bytes()[:-40]), "truncated"),
    "empty garment": ("train_color", lambda path: path.write_bytes(b""), "empty"),
    "label in colour": (
        "train_label",
        lambda path: cv2.imwrite(str(path), np.ones((64, 32, 3), np.uint8)),
        "wrong mode",
    ),
    "label of another shape": (
        "train_label",
        lambda path: cv2.imwrite(str(path), np.ones((32, 64), np.uint8)),
        "wrong size",
    ),
    "mask of another shape": (
        "train_edge",
        lambda path: cv2.imwrite(str(path), np.pad(np.full((16, 32), 255, np.uint8), ((8, 8), (16, 16)))),
        "wrong size",
    ),
    "parts beyond 24": ("train_densepose", lambda path: np.save(path, np.full((64, 32), 25.0)), "part out of range"),
    "pose of 25 keypoints": (
        "train_pose",
        lambda path: path.write_text('{"people": [{"pose_keypoints": [0, 1]}]}'),
        "wrong shape",
    ),
    "missing garment": ("train_color", lambda path: path.unlink(), "missing file"),
    "missing label": ("train_label", lambda path: path.unlink(), "missing file"),
}


def data(folder, **more) -> VitonDataModule:
    return VitonDataModule(folder.root, **{"size": SIZE, "batch_size": 2, "val_size": 0} | more)


def train(made: VitonDataModule) -> None:
    made.setup("fit")
    list(made.train_dataloader())


@pytest.fixture(params=FAULTS)
def damaged(request, folder):
    subfolder, damage, kind = FAULTS[request.param]
    path = min((folder.train / subfolder).iterdir())
    damage(path)
    return folder, path, kind


def test_training_stops_with_the_path(damaged):
    folder, path, kind = damaged
    with pytest.raises(DataError, match=kind) as caught:
        train(data(folder))
    assert path.stem in str(caught.value)


def test_skipping_leaves_the_sample_out_counts_it_and_says_why(damaged, warned):
    folder, path, kind = damaged
    made = data(folder, on_bad="skip")
    made.setup("fit")
    seen = sorted(name for raw in made.train_dataloader() for name in raw.person_id)
    assert seen == ["000001_0", "000002_0", "000003_0"]
    assert [(who, kind in why) for who, why in made.skipped] == [("000000_0", True)]
    assert any("1 of 4 training samples are skipped" in text for text in warned)
    assert any(path.stem in text for text in warned)


def test_a_test_is_of_all_its_pairs_or_of_none(folder):
    min((folder.test / "test_img").iterdir()).write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        data(folder, on_bad="skip").setup("test")


def test_nothing_is_skipped_of_a_sound_folder(folder):
    made = data(folder, on_bad="skip")
    made.setup("fit")
    assert made.skipped == []
    assert len(made.train_set) == 4


def test_an_unknown_way_is_refused(folder):
    with pytest.raises(ValueError, match=r"on_bad \(='ignore'\) must be one of stop, skip"):
        data(folder, on_bad="ignore")
