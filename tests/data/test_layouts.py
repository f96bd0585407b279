"""Folders in the layouts that people have: told apart by their folders, read alike, refused when mixed."""

import cv2
import numpy as np
import pytest

from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files.pairs import find_pairs
from vtryon.data.files.reader import DataError, layout_of
from vtryon.data.parse import agnostic
from vtryon.data.sample import collate, finish

SIZE = (64, 32)
MOVED = {  # of PF-AFN's folders, their places in CP-VTON's
    "VITON_traindata/train_img": "train/image",
    "VITON_traindata/train_color": "train/cloth",
    "VITON_traindata/train_edge": "train/cloth-mask",
    "VITON_traindata/train_label": "train/image-parse",
    "VITON_traindata/train_pose": "train/pose",
    "VITON_test/test_img": "test/image",
    "VITON_test/test_clothes": "test/cloth",
    "VITON_test/test_edge": "test/cloth-mask",
    "VITON_test/test_pairs.txt": "test_pairs.txt",
    "VITON_test/test_pairs_same.txt": "test_pairs_same.txt",
}


@pytest.fixture
def cp_vton(folder):
    """The same pictures in CP-VTON's layout, without DensePose, every person in a shirt."""
    root = folder.root
    for old, new in MOVED.items():
        (root / new).parent.mkdir(exist_ok=True)
        (root / old).rename(root / new)
    for label in (root / "train/image-parse").iterdir():
        ids = np.zeros(SIZE, np.uint8)
        ids[20:50, 8:24] = 5  # LIP's upper clothes
        cv2.imwrite(str(label), ids)
    for rest in ("VITON_traindata", "VITON_test"):
        for path in sorted((root / rest).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (root / rest).rmdir()
    return root


def test_the_layout_is_told_by_the_folders(folder):
    assert layout_of(folder.root).name == "pf_afn"


def test_a_cp_vton_folder_gives_training_samples_with_drawn_body_parts(cp_vton):
    data = VitonDataModule(cp_vton, SIZE, val_size=0)
    data.setup("fit")
    batch = finish(collate([data.train_set[0]]))
    assert data.layout.name == "cp_vton"
    assert set(batch.parse.unique().tolist()) == {0, 4}
    assert batch.densepose.shape == batch.parse.shape
    assert batch.pose.shape == (1, 18, *SIZE)
    assert data.protocol()["body_parts"] == "drawn"


def test_viton_hd_s_names_in_a_viton_folder_pair_persons_with_the_garments_of_their_id(folder):
    """There 000003_00 is both the person and the garment worn."""
    for path in sorted(folder.root.rglob("*.*")):
        path.rename(path.with_name(path.name.replace("_0.", "_00.").replace("_1.", "_00.").replace("_0_", "_00_")))
    for name in ("test_pairs.txt", "test_pairs_same.txt"):
        text = (folder.test / name).read_text()
        (folder.test / name).write_text(text.replace("_0.", "_00.").replace("_1.", "_00."))
    data = VitonDataModule(folder.root, SIZE, val_size=0)
    data.setup()
    assert all(record.person_id == record.cloth_id for record in data.train_set.records)
    assert len(data.train_set) == 4
    (folder.root / "list.txt").write_text("000000_00.jpg 000001_00.jpg\n000001_00.jpg 000000_00.jpg\n")
    with pytest.raises(DataError, match=r"000000_00 000001_00 \(000000_00 wears 000000_00\)"):
        VitonDataModule(folder.root, SIZE, val_size=0, train_pairs=folder.root / "list.txt").setup("fit")


def test_lists_beside_the_splits_are_found(cp_vton):
    assert [len(find_pairs(cp_vton, split).ids) for split in ("train", "unpaired", "paired")] == [4, 3, 3]


def test_a_folder_that_is_half_one_layout_and_half_another_is_refused(folder):
    (folder.root / "train" / "image").mkdir(parents=True)
    with pytest.raises(DataError, match=r"several layouts.*pf_afn .*cp_vton .*data\.layout="):
        layout_of(folder.root)
    assert layout_of(folder.root, "pf_afn").name == "pf_afn"


def test_a_folder_of_no_layout_says_which_folders_it_lacks(tmp_path):
    with pytest.raises(DataError, match=r"no data folder.*train_img.*train/image"):
        layout_of(tmp_path)


def test_masks_are_made_where_a_folder_has_none(cp_vton, tmp_path):
    for number in range(4):
        photo = np.full((*SIZE, 3), 250, np.uint8)
        photo[16:48, 8:24] = (200, 30, 30)
        cv2.imwrite(str(cp_vton / f"train/cloth/{number:06d}_1.jpg"), photo)
    for mask in (cp_vton / "train/cloth-mask").iterdir():
        mask.unlink()
    (cp_vton / "train/cloth-mask").rmdir()
    data = VitonDataModule(cp_vton, SIZE, val_size=0, cache=tmp_path / "cache")
    data.setup("fit")
    edge = finish(collate([data.train_set[0]])).cloth_edge[0, 0]
    assert edge[24:40, 12:20].all()
    assert edge.mean() == pytest.approx(32 * 16 / (64 * 32), abs=0.06)


def test_masks_is_given_or_made(folder):
    with pytest.raises(ValueError, match=r"masks \(='drawn'\) must be one of given, made"):
        VitonDataModule(folder.root, SIZE, masks="drawn")


def test_a_folder_of_photos_and_garments_alone_trains_what_needs_no_parser(cp_vton, tmp_path):
    for folder in ("image-parse", "pose"):
        for path in (cp_vton / "train" / folder).iterdir():
            path.unlink()
        (cp_vton / "train" / folder).rmdir()
    data = VitonDataModule(cp_vton, SIZE, val_size=0, cache=tmp_path)
    data.setup("fit")
    batch = finish(collate([data.train_set[0]]))
    assert (batch.parse, batch.pose, batch.densepose) == (None, None, None)
    with pytest.raises(ValueError, match=r"no parse, densepose, pose.*experiment=distill"):
        agnostic(batch)


def test_a_close_up_that_fills_its_picture_keeps_the_given_mask(cp_vton, tmp_path, monkeypatch):
    filling = np.pad(np.zeros((40, 20), np.uint8), ((12, 12), (6, 6)), constant_values=255)
    monkeypatch.setattr("vtryon.data.made_masks.cloth_mask", lambda photo: filling)
    data = VitonDataModule(cp_vton, SIZE, val_size=0, masks="made", cache=tmp_path)
    data.setup("fit")
    assert all("cloth-mask" in record.edge for record in data.train_set.records)
