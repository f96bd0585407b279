"""OpenPose's files in the units and forms in which people have them give the same 18 keypoints in pixels."""

import json
import re

import numpy as np
import pytest

from vtryon.data.files import decode
from vtryon.data.files.header import FaultError
from vtryon.data.files.reader import DataError, check_whole

PHOTO = (256, 192)  # h, w
MEAN = (96.0, 120.0)


def person(scale=1.0, centre=MEAN, confidence=0.8, missing=(9, 10), seed=0):
    """18 rows x, y, confidence of a standing person."""
    rng = np.random.default_rng(seed)
    points = np.array(centre) + scale * rng.uniform((-40, -90), (40, 90), (18, 2))
    rows = np.column_stack([points, np.full(18, confidence)])
    rows[list(missing)] = 0
    return rows


def file(*people, key="pose_keypoints_2d", **more):
    return json.dumps({"people": [{key: np.ravel(rows).tolist()} for rows in people]} | more).encode()


def in_units(rows, change):
    """Change the coordinates of keypoints that are there."""
    rows, seen = rows.copy(), rows[:, 2] > 0
    rows[seen, :2] = change(rows[seen, :2])
    return rows


SIDES = np.array(PHOTO[::-1]) - 1.0
EXPECTED = person()[:, :2]


def body_25(rows):
    """COCO's 18 rows among BODY_25's 25: the middle of the hips is new at 8, feet follow the ears."""
    points = {name: index for index, name in enumerate(BODY_25)}
    made = np.full((25, 3), 0.5) * (*SIDES, 1)  # elsewhere the middle of the photo
    for row, name in zip(rows, COCO, strict=True):
        made[points[name]] = row
    return made


COCO = re.findall(r"\w+", "nose neck rsho relb rwri lsho lelb lwri rhip rkne rank lhip lkne lank reye leye rear lear")
FEET = re.findall(r"\w+", "lbigtoe lsmalltoe lheel rbigtoe rsmalltoe rheel")
BODY_25 = [*COCO[:8], "midhip", *COCO[8:], *FEET]
FORMS = {
    "18 points in pixels": file(person()),
    "the older key": file(person(), key="pose_keypoints"),
    "BODY_25": file(body_25(person())),
    "parts of the photo": file(in_units(person(), lambda xy: xy / SIDES)),
    "from -1 to 1": file(in_units(person(), lambda xy: xy / SIDES * 2 - 1)),
    "pixels of a larger canvas": file(in_units(person(), lambda xy: xy * 4), canvas_width=768, canvas_height=1024),
    "a list of one frame": b"[" + file(person()) + b"]",
    "a bystander first": file(person(0.3, (20, 60), 0.95, seed=1), person()),
    "a bystander last": file(person(), person(0.3, (20, 60), 0.95, seed=1)),
    "an empty person first": file(np.zeros((18, 3)), person()),
    "a phantom of low confidence first": file(person(1.0, MEAN, 0.1, seed=2), person()),
    "a double of the person": file(person(), person(confidence=0.75)),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_keypoints_in_pixels(name):
    np.testing.assert_allclose(decode.keypoints(FORMS[name], PHOTO), EXPECTED, atol=1e-9)


def test_all_keypoints_of_a_pose_in_parts_fall_into_the_photo():
    found = decode.keypoints(FORMS["parts of the photo"], PHOTO)
    assert ((found > 1).all(axis=1)).sum() == 16


@pytest.mark.parametrize("people", [[], [np.zeros((18, 3))], [np.zeros((25, 3)), np.zeros((25, 3))]])
def test_nobody_is_zeros(people):
    assert not decode.keypoints(file(*people), PHOTO).any()


def test_keypoints_of_no_confidence_are_missing_unless_nothing_has_any():
    rows = person()
    rows[3, 2] = 0
    assert not decode.keypoints(file(rows), PHOTO)[3].any()
    rows[:, 2] = 0
    np.testing.assert_allclose(decode.keypoints(file(rows), PHOTO), EXPECTED)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (file(person(), person(centre=(150, 120), seed=1)), "two people: people\\[0\\] and people\\[1\\]"),
        (file(in_units(person(), lambda xy: xy * 4)), "pose outside: .*lie outside the photo of 256x192; scale them"),
        (file(person()[:17]), "wrong shape: .*18x3 .*25x3 .*this has 51"),
        (b'{"people": [{"pose_keypoints_2d": null}]}', "wrong shape|unreadable"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a git-LFS pointer.*git lfs pull"),
        (b"<!DOCTYPE html><html>", "a web page.*download the file again"),
        (file(person(), canvas_width=0, canvas_height=5), "canvas"),
    ],
)
def test_a_pose_that_cannot_be_meant_is_refused_with_the_reason(data, reason):
    with pytest.raises(FaultError, match=reason):
        decode.keypoints(data, PHOTO)


def test_without_a_photo_a_pose_is_only_looked_at(tmp_path):
    (path := tmp_path / "a.json").write_bytes(FORMS["parts of the photo"])
    check_whole(path)
    path.write_bytes(b"<html>")
    with pytest.raises(DataError, match="a web page"):
        check_whole(path)
