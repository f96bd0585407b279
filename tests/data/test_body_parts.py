"""Parts drawn from labels and pose: near the true ones of drawn people, within the body, and sane where points lack."""

import numpy as np
import pytest

from vtryon.data.densepose.body_parts import draw_body_parts
from vtryon.data.files.label_tables import Parse
from vtryon.data.parse import ARMS, DENSEPOSE_ARMS, DENSEPOSE_HANDS, WORN
from vtryon.data.synthetic.parts_sheet import REGIONS, drawn_people, overlap, parts_sheet

RIGHT_SHOULDER, RIGHT_WRIST, LEFT_WRIST = 2, 4, 7
RIGHT_SIDE = {3: "hand", 16: "upper arm", 18: "upper arm", 20: "forearm", 22: "forearm", 9: "thigh", 23: "head"}
LEFT_SIDE = {4: "hand", 15: "upper arm", 17: "upper arm", 19: "forearm", 21: "forearm", 10: "thigh", 24: "head"}
MIRROR = np.arange(25)
MIRROR[[3, 4, 5, 6]] = [4, 3, 6, 5]
MIRROR[7:23] = np.arange(7, 23).reshape(-1, 2)[:, ::-1].ravel()
MIRROR[[23, 24]] = [24, 23]
MIRRORED_JOINTS = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16]


@pytest.fixture(scope="module")
def people():
    return list(drawn_people(24, seed=5))


def straight_figure(sleeves: bool):
    """Labels and pose of a person of rectangles, arms hanging: 60 between the shoulders at rows 70 to 230."""
    labels = np.zeros((256, 192), np.uint8)
    labels[20:60, 80:112] = Parse.FACE
    labels[70:180, 66:126] = Parse.UPPER_CLOTHES
    labels[180:256, 66:126] = Parse.PANTS
    for columns, label in ((slice(54, 66), Parse.RIGHT_ARM), (slice(126, 138), Parse.LEFT_ARM)):
        labels[70:200, columns] = label
        if sleeves:
            labels[70:178, columns] = Parse.UPPER_CLOTHES
    joints = {0: (96, 45), 1: (96, 72), 14: (90, 38), 15: (102, 38), 8: (80, 175), 11: (112, 175)}
    joints |= {2: (62, 76), 3: (60, 130), 4: (60, 178), 5: (130, 76), 6: (132, 130), 7: (132, 178)}
    keypoints = np.zeros((18, 2))
    for index, point in joints.items():
        keypoints[index] = point
    return labels, keypoints


@pytest.mark.parametrize(
    ("region", "least"), [("torso", 0.88), ("arms", 0.87), ("hands", 0.79), ("head", 0.81), ("legs", 0.81)]
)
def test_drawn_parts_overlap_the_true_parts_of_drawn_people(people, region, least):
    overlaps = [overlap(person.drawn_parts, person.truth, REGIONS[region]) for person in people]
    assert np.mean(overlaps) > least
    assert min(overlaps) > 0.6


def test_right_and_left_are_those_of_the_true_parts(people):
    for parts in (RIGHT_SIDE, LEFT_SIDE):
        own, other = (np.array(list(ids)) for ids in (parts, LEFT_SIDE if parts is RIGHT_SIDE else RIGHT_SIDE))
        for person in people:
            drawn = np.isin(person.drawn_parts, own)
            assert np.isin(person.truth[drawn], other).mean() < 0.03


def test_the_inner_halves_of_arms_are_those_of_the_true_parts(people):
    agreeing = [
        (person.drawn_parts == person.truth)[
            np.isin(person.drawn_parts, DENSEPOSE_ARMS) & np.isin(person.truth, DENSEPOSE_ARMS)
        ]
        for person in people
    ]
    assert np.concatenate(agreeing).mean() > 0.9


def test_every_pixel_of_an_arm_label_is_arm_or_hand(people):
    for person in people:
        shown = np.isin(person.labels, ARMS)
        assert np.isin(person.drawn_parts[shown], (*DENSEPOSE_HANDS, *DENSEPOSE_ARMS)).all()


def test_arms_stay_on_arms_clothes_and_hair_and_hands_on_arms(people):
    for person in people:
        assert np.isin(person.labels[np.isin(person.drawn_parts, DENSEPOSE_HANDS)], ARMS).all()
        under = person.labels[np.isin(person.drawn_parts, DENSEPOSE_ARMS)]
        assert np.isin(under, (*ARMS, *WORN, Parse.HAIR)).all()


def test_a_sleeve_hides_no_arm():
    bare, covered = (draw_body_parts(*straight_figure(sleeves)) for sleeves in (False, True))
    assert overlap(bare, covered, DENSEPOSE_ARMS) > 0.8
    assert overlap(bare, covered, DENSEPOSE_HANDS) > 0.8


def test_the_trunk_tells_nothing_of_the_neckline():
    labels, keypoints = straight_figure(sleeves=False)
    deep = labels.copy()
    deep[70:110, 85:107] = Parse.BACKGROUND
    assert (draw_body_parts(labels, keypoints) == draw_body_parts(deep, keypoints)).all()


def test_a_mirrored_person_has_mirrored_parts(people):
    for person in people[:8]:
        labels = person.labels[:, ::-1].copy()
        swapped = labels.copy()
        for a, b in ((Parse.LEFT_ARM, Parse.RIGHT_ARM), (Parse.LEFT_LEG, Parse.RIGHT_LEG)):
            swapped[labels == a], swapped[labels == b] = b, a
        seen = (person.keypoints > 0).all(axis=1, keepdims=True)
        keypoints = np.where(seen, (labels.shape[1] - 1, 0) + person.keypoints * (-1, 1), 0)[MIRRORED_JOINTS]
        mirrored = MIRROR[draw_body_parts(swapped, keypoints)][:, ::-1]
        assert (mirrored == person.drawn_parts).mean() > 0.985  # pixels on an edge may fall to either part


def test_a_person_seen_from_the_back_has_back_parts_and_the_right_arm_on_the_right():
    labels, keypoints = straight_figure(sleeves=False)
    turned = labels.copy()
    turned[labels == Parse.LEFT_ARM], turned[labels == Parse.RIGHT_ARM] = Parse.RIGHT_ARM, Parse.LEFT_ARM
    parts = draw_body_parts(turned, keypoints[MIRRORED_JOINTS])
    assert parts[120, 96] == 1
    assert set(np.unique(parts[200:])) <= {0, 7, 8}
    assert parts[190, 132] == 3
    assert parts[190, 60] == 4


def test_without_any_keypoint_the_labels_alone_draw_a_person(people):
    for person in people:
        parts = draw_body_parts(person.labels, np.zeros((18, 2)))
        assert overlap(parts, person.truth, REGIONS["torso"]) > 0.4
        assert overlap(parts, person.truth, REGIONS["head"]) > 0.5
        assert np.isin(parts[np.isin(person.labels, ARMS)], (0, *DENSEPOSE_HANDS, *DENSEPOSE_ARMS)).all()


def test_a_missing_wrist_is_replaced_by_the_end_of_the_arm_label():
    labels, keypoints = straight_figure(sleeves=False)
    complete = draw_body_parts(labels, keypoints)
    keypoints[[RIGHT_WRIST, LEFT_WRIST]] = 0
    assert overlap(draw_body_parts(labels, keypoints), complete, DENSEPOSE_HANDS) > 0.6


def test_a_missing_shoulder_leaves_the_other_arm_as_it_is():
    labels, keypoints = straight_figure(sleeves=False)
    complete = draw_body_parts(labels, keypoints)
    keypoints[RIGHT_SHOULDER] = 0
    parts = draw_body_parts(labels, keypoints)
    for ids in ((4,), (15, 17), (19, 21)):
        assert overlap(parts, complete, ids) > 0.9
    assert np.isin(parts[labels == Parse.RIGHT_ARM], (3, 16, 18, 20, 22)).all()


def test_whatever_keypoints_are_missing_the_parts_are_parts(people):
    rng = np.random.default_rng(0)
    for person in people:
        for share in rng.uniform(0, 1, 6):
            keypoints = person.keypoints * (rng.uniform(size=(18, 1)) > share)
            parts = draw_body_parts(person.labels, keypoints)
            assert parts.dtype == np.uint8
            assert parts.shape == person.labels.shape
            assert parts.max() <= 24
            assert np.isin(person.labels[np.isin(parts, DENSEPOSE_HANDS)], ARMS).all()


@pytest.mark.parametrize("label", [Parse.BACKGROUND, Parse.UPPER_CLOTHES, Parse.RIGHT_ARM, Parse.FACE])
def test_a_picture_of_one_label_is_no_error(label):
    labels = np.full((64, 48), label, np.uint8)
    for keypoints in (np.zeros((18, 2)), np.full((18, 2), 30.0), np.full((18, 2), 500.0)):
        assert draw_body_parts(labels, keypoints).shape == (64, 48)


def test_a_patch_of_the_other_arms_label_goes_to_the_arm_it_lies_on():
    labels, keypoints = straight_figure(sleeves=False)
    clean = draw_body_parts(labels, keypoints)
    labels[100:120, 126:138] = Parse.RIGHT_ARM
    assert (draw_body_parts(labels, keypoints) == clean).all()


def test_a_forearm_behind_the_back_is_not_drawn_over_the_shirt():
    labels, keypoints = straight_figure(sleeves=False)
    labels[136:200, 54:66] = Parse.BACKGROUND  # the right forearm goes behind the trunk
    keypoints[RIGHT_WRIST] = (100, 150)
    shirt = labels == Parse.UPPER_CLOTHES
    assert np.isin(draw_body_parts(labels, keypoints)[shirt], (20, 22, 3)).mean() < 0.01


def test_the_sheet_has_a_line_for_two_people(people):
    two, four = parts_sheet(people[:2]), parts_sheet(people[:4])
    assert two.shape[1:] == four.shape[1:]
    assert two.shape[0] < four.shape[0] < 2 * two.shape[0]
