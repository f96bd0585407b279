"""What people's folders have of other layouts and of other programs: one error that names file, rule and remedy."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtryon.data.checking.fix import fix
from vtryon.data.checking.summary import report, serious
from vtryon.data.checking.verify import check
from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files.layouts import find_layout
from vtryon.data.files.reader import DataError
from vtryon.data.synthetic.relayout import TARGETS, relayout
from vtryon.data.synthetic.writer import write_viton

SIZE = (96, 64)
LAYOUTS = ("pf_afn", *TARGETS)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """A folder of each layout with the same people."""
    place = tmp_path_factory.mktemp("drawn")
    write_viton(place / "pf_afn", train=8, test=3, size=SIZE)
    for name in TARGETS:
        relayout(place / "pf_afn", place / name, name)
    return place


@pytest.fixture
def folder(drawn, tmp_path):
    """A copy of the folder in a layout, to be spoilt."""
    return lambda name: Path(shutil.copytree(drawn / name, tmp_path / name))


def files(root: Path, kind: str) -> list[Path]:
    """The training files of a kind, in their order."""
    layout = find_layout(root)
    ending = layout.endings.get(kind, ("", ""))[0]
    found = sorted((root / getattr(layout.train, kind)).iterdir())
    return [path for path in found if path.stem.endswith(ending) and not path.stem.startswith("5")]


def load(root: Path, **asked) -> VitonDataModule:
    data = VitonDataModule(root, SIZE, val_size=2, cache=root.parent / "cache", **asked)
    data.setup()
    for samples in (data.train_set, data.val_set, *data.test_sets):
        for index in range(len(samples)):
            samples[index]
    return data


def refused(root: Path, **asked) -> str:
    with pytest.raises(DataError) as caught:
        load(root, **asked)
    (line,) = str(caught.value).splitlines()
    return line


def kinds(root: Path) -> set[str]:
    return {problem.kind for problem in check(root)}


def test_a_folder_half_one_layout_and_half_another_names_both_and_the_key(drawn, folder):
    root = folder("cp_vton")
    shutil.copytree(drawn / "viton_hd" / "train" / "image-parse-v3", root / "train" / "image-parse-v3")
    with pytest.raises(DataError) as caught:
        load(root)
    for word in (str(root), "train/image-parse)", "train/image-parse-v3)", "data.layout=", "--layout"):
        assert word in str(caught.value)


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_unknown_label_names_the_file_the_labels_and_the_remedy(folder, name):
    root = folder(name)
    path = files(root, "labels")[0]
    ids = np.array(Image.open(path))
    ids[5:20, 5:20] = 60
    Image.fromarray(ids).save(path)
    line = refused(root)
    assert line.startswith(f"{path}: label out of range: ")
    assert "labels are 0.." in line
    assert "found 60; " in line
    assert "label out of range" in kinds(root)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_parse_map_in_colours_names_the_file_the_rule_and_the_remedy(folder, name):
    root = folder(name)
    path = files(root, "labels")[0]
    Image.open(path).convert("RGB").save(path)
    line = refused(root)
    assert line.startswith(f"{path}: wrong mode: a parse map in colours; save ")
    assert "wrong mode" in kinds(root)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_person_without_a_pose_is_named_with_what_to_do(folder, name):
    root = folder(name)
    path = files(root, "pose")[0]
    path.unlink()
    line = refused(root)
    assert path.stem.removesuffix("_keypoints").rpartition("_")[0] in line
    assert "missing file" in line
    assert "data.on_bad=skip" in line
    assert len(load(root, on_bad="skip").skipped) == 1


def test_a_pose_of_several_people_as_large_as_each_other_is_refused(folder):
    root = folder("viton_hd")
    path = files(root, "pose")[0]
    people = json.loads(path.read_text())["people"]
    beside = np.add(np.reshape(people[0]["pose_keypoints_2d"], (-1, 3)), (60, 0, 0)).ravel().tolist()
    path.write_text(json.dumps({"people": [*people, {"pose_keypoints_2d": beside}]}))
    assert refused(root).startswith(f"{path}: two people: people[")


@pytest.mark.parametrize("suffix", [".tiff", ".heic"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_photo_in_a_format_that_is_not_read_is_never_left_out_unsaid(folder, name, suffix):
    root = folder(name)
    path = files(root, "person")[0]
    path.rename(path.with_suffix(suffix))
    assert f"unread format: {path.stem}{suffix} is there" in refused(root)
    (skipped,) = load(root, on_bad="skip").skipped
    assert skipped.person_id == path.stem


def test_an_unpaired_list_that_exchanges_nothing_is_refused(folder):
    root = folder("viton_hd")
    shutil.copy(root / "test_pairs_same.txt", root / "test_pairs.txt")
    assert "test_pairs.txt: not exchanged: 3 of 3 lines give a person the own garment" in refused(root)
    assert "not exchanged" in kinds(root)


def test_a_list_that_is_not_read_is_said_to_be_that(folder):
    root = folder("viton_hd")
    shutil.copy(root / "test_pairs.txt", root / "train_pairs.txt")
    assert kinds(root) == {"list not read"}


def test_problems_of_a_list_name_its_path_once(folder):
    root = folder("cp_vton")
    shutil.copy(root / "test_pairs.txt", root / "test_pairs_same.txt")
    assert report(check(root)).count(str(root / "test_pairs_same.txt")) == 1


def test_a_photo_under_two_ids_and_one_of_the_test_are_notes(folder):
    root = folder("pf_afn")
    photos = files(root, "person")
    shutil.copy(photos[0], photos[1])
    shutil.copy(photos[2], root / "VITON_test" / "test_img" / "500000_0.jpg")
    problems = check(root)
    assert {problem.kind for problem in problems} == {"same picture", "known from training"}
    assert serious(problems) == []


def spoil(root: Path) -> None:
    """One fault of each kind that can be mended, and that every layout can have."""
    edges, photos = files(root, "edge"), files(root, "person")
    masks = [np.where(np.asarray(Image.open(path).convert("L")) > 127, 255, 0).astype(np.uint8) for path in edges]
    for path, mask in zip(edges, (masks[0] // 255, 255 - masks[1]), strict=False):  # 0 and 1; inverted
        path.unlink()
        Image.fromarray(mask).save(path.with_suffix(".png"))
    edges[2].unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(photos[0]).transpose(Image.Transpose.ROTATE_90).save(photos[0], exif=exif, quality=100)
    Image.open(photos[2]).save(photos[2].with_suffix(".png"))  # two files of one id
    shutil.copy(photos[3], photos[4])
    Image.open(photos[5]).save(photos[5].with_suffix(".tiff"))
    photos[5].unlink()
    Image.open(photos[6]).convert("RGBA").save(photos[6].with_suffix(".png"))
    photos[6].unlink()
    for name in filter(None, find_layout(root).lists.values()):
        if (root / name).is_file():
            lines = (root / name).read_text().splitlines()
            (root / name).write_text("\n".join([*lines, lines[0], f"nobody_0.jpg {lines[1].split()[1]}", ""]))


@pytest.mark.parametrize("name", TARGETS)
def test_what_fix_writes_of_a_spoilt_folder_is_clean_and_trains(folder, name):
    root = folder(name)
    spoil(root)
    found = kinds(root)
    for kind in ("unusual mask", "missing mask", "two files of one id", "same picture", "unread format"):
        assert kind in found
    assert found >= {"transparency", "pair twice", "pair without file"}
    fix(root, root.parent / "mended")
    assert check(root.parent / "mended") == []
    assert len(load(root.parent / "mended").train_set) == 8 - 1 - 2  # one photo stood twice, two are held out
