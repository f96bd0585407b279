"""Pictures that a folder holds twice are counted, and trained on once if asked."""

import shutil

from vtryon.data.datamodule import VitonDataModule

SIZE = (64, 32)


def copy_photo(folder, source, target):
    shutil.copy(folder.train / f"train_img/{source}_0.jpg", target)


def test_a_photo_under_two_names_is_trained_on_once(folder):
    copy_photo(folder, "000001", folder.train / "train_img/000003_0.jpg")
    usual, unique = (VitonDataModule(folder.root, SIZE, val_size=0, unique=unique) for unique in (False, True))
    for data in (usual, unique):
        data.setup("fit")
    assert [len(data.train_set) for data in (usual, unique)] == [4, 3]
    assert "000003_0" not in {record.person_id for record in unique.train_set.records}


def test_the_protocol_counts_duplicates_within_training_and_test_samples_known_from_it(folder):
    copy_photo(folder, "000001", folder.train / "train_img/000003_0.jpg")
    copy_photo(folder, "000002", folder.test / "test_img/000101_0.jpg")
    protocol = VitonDataModule(folder.root, SIZE, val_size=0).protocol("paired")
    assert (protocol["within_training"], protocol["shared_with_training"]) == (1, 1)


def test_a_clean_folder_has_none(folder):
    protocol = VitonDataModule(folder.root, SIZE, val_size=0).protocol()
    assert (protocol["body_parts"], protocol["masks"]) == ("densepose", "given")
    assert (protocol["within_training"], protocol["shared_with_training"]) == (0, 0)
