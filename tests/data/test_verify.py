"""The folder check finds each fault that was planted, and none in a sound folder."""

import json
import struct

import cv2
import numpy as np
import pytest

from vtryon.data.checking.verify import check, main, report
from vtryon.data.files.reader import DataError

SIZE = (64, 32)


def first(folder, name):
    part = folder.test if name.startswith("test") else folder.train
    return min((part / name).iterdir())


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def bomb(path):
    """Claims 65000x65000 pixels."""
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65000, 65000)
    path.write_bytes(data)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)


def picture(value, *channels, size=SIZE):
    return lambda path: cv2.imwrite(str(path), np.full((*size, *channels), value, np.uint8))


def array(value, *channels, size=SIZE):
    return lambda path: np.save(path, np.full((*size, *channels), value))


def pose(count):
    return lambda path: path.write_text(json.dumps({"people": [{"pose_keypoints": [0.0] * count}]}))


def twin(path):
    own = path.read_bytes() + b"\0"  # a repeated picture is another fault
    path.with_name("000100_0.jpg").write_bytes(own)


FAULTS = {  # what is done to the first file of a subfolder, and the kind of problem it makes
    "truncated photo": ("train_img", cut, "truncated"),
    "truncated garment of the test": ("test_clothes", cut, "truncated"),
    "truncated label": ("train_label", cut, "truncated"),
    "truncated array": ("train_densepose", cut, "truncated"),
    "truncated flow": ("train_flow", cut, "truncated"),
    "damaged label": ("train_label", flip, "unreadable"),
    "no picture": ("test_edge", lambda path: path.write_text("picture"), "unreadable"),
    "no json": ("train_pose", lambda path: path.write_text("{"), "unreadable"),
    "empty file": ("train_color", lambda path: path.write_bytes(b""), "empty"),
    "no partner": ("train_edge", lambda path: path.unlink(), "missing mask"),
    "no photo": ("train_img", lambda path: path.unlink(), "missing file"),
    "no edge of the test": ("test_edge", lambda path: path.unlink(), "missing mask"),
    "no flow": ("train_flow", lambda path: path.unlink(), "missing file"),
    "photo of another size": ("train_img", picture(9, 3, size=(32, 64)), "wrong size"),
    "parts of another size": ("train_densepose", array(3, size=(64, 64)), "wrong size"),
    "label 14": ("train_label", picture(14), "label out of range"),
    "part 25": ("train_densepose", array(25), "part out of range"),
    "part -1": ("train_densepose", array(-1.0), "part out of range"),
    "three parts a pixel": ("train_densepose", array(1, 3), "wrong shape"),
    "17 keypoints": ("train_pose", pose(51), "wrong shape"),
    "label in colour": ("train_label", picture(3, 3), "wrong mode"),
    "label of 16 bits": (
        "train_label",
        lambda path: cv2.imwrite(str(path), np.ones(SIZE, np.uint16)),
        "wrong mode",
    ),
    "photo with transparency": (
        "test_img",
        lambda path: _transparent(path),
        "transparency",
    ),
    "bomb": ("train_img", bomb, "too large"),
    "mask of nothing": ("train_edge", picture(0), "empty mask"),
    "a person trained and tested on": ("train_img", twin, "in both parts"),
}


def _transparent(path):
    cv2.imwrite(str(path.with_suffix(".png")), np.zeros((*SIZE, 4), np.uint8))
    path.unlink()


@pytest.fixture
def sound(folder):
    for number in ("000000", "000001", "000002", "000003"):
        folder.flow(folder.train / "train_flow" / f"{number}_0.npy")
    return folder


def test_a_sound_folder_has_no_problem(clean, capfd):
    steps = []
    assert check(clean.root, lambda done, total: steps.append((done, total))) == []
    assert steps[-1] == (8 * 7 + 4 * 3,) * 2
    assert main(clean.root) == 0
    assert "No problem found" in capfd.readouterr().out


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(sound, name):
    subfolder, damage, kind = FAULTS[name]
    path = first(sound, subfolder)
    damage(path)
    problems = check(sound.root)
    assert {problem.kind for problem in problems} >= {kind}
    assert all(kind == problem.kind or problem.kind.startswith("missing ") for problem in problems)
    if kind not in ("missing file", "missing mask", "in both parts"):
        assert any(path.stem in problem.path for problem in problems if problem.kind == kind)


def test_all_faults_are_found_in_one_pass_and_the_exit_code_is_1(sound, capfd):
    planted = [
        "truncated photo",
        "damaged label",
        "empty file",
        "no edge of the test",
        "part 25",
        "17 keypoints",
    ]
    for name in planted:
        subfolder, damage, _ = FAULTS[name]
        damage(first(sound, subfolder))
    sound.list("test_pairs.txt", [("000100", "000999")])
    assert main(sound.root) == 1
    text = capfd.readouterr().out
    for kind in [*(FAULTS[name][2] for name in planted), "pair without file"]:
        assert f"{kind} (" in text
    assert "000100_0 000999_1: test_clothes has no 000999_1" in text
    assert str(first(sound, "train_img")) in text


def test_problems_are_grouped_under_their_kind(sound):
    for path in (sound.train / "train_img").iterdir():
        path.write_bytes(b"")
    first(sound, "train_label").write_bytes(b"text")
    lines = report(check(sound.root)).splitlines()
    assert lines[0] == "empty (4)"
    assert lines[4] == "  ... and 1 more"
    assert lines[6] == "unreadable (1)"
    assert "5 problems of 2 kinds, 0 notes" in lines


@pytest.mark.parametrize("part", ["train", "test"])
def test_either_part_alone_is_checked(sound, part):
    import shutil

    shutil.rmtree(sound.test if part == "train" else sound.train)
    assert check(sound.root) == []


def test_a_subfolder_or_a_list_that_is_not_there_is_a_problem(sound):
    import shutil

    shutil.rmtree(sound.train / "train_pose")
    (sound.test / "test_pairs.txt").unlink()
    assert {(problem.kind, problem.path.rsplit("/", 1)[1]) for problem in check(sound.root)} == {
        ("no poses", "train_pose"),
        ("missing file", "test_pairs.txt"),
    }


def test_a_broken_list_is_a_problem_and_the_rest_is_checked(sound):
    (sound.test / "test_pairs.txt").write_text("000100_0.jpg\n")
    first(sound, "train_img").write_bytes(b"")
    assert {problem.kind for problem in check(sound.root)} == {
        "broken pair list",
        "empty",
    }


def test_true_try_ons_belong_to_the_pairs(sound):
    sound.picture(sound.test / "test_truth" / "000100_0__000101_1.png")
    problems = check(sound.root)
    assert [problem.kind for problem in problems] == ["missing file"] * 2


def test_a_folder_of_something_else_is_one_error(tmp_path, capfd):
    with pytest.raises(
        DataError,
        match=r"no data folder: .* pf_afn .* give the folder above them",
    ):
        check(tmp_path)
    assert main(tmp_path) == 1
    assert "no data folder" in capfd.readouterr().out
