"""The part of a photo that a network dresses: an upper body in the network's shape, found by the face."""

import numpy as np
import pytest
from skimage.data import astronaut

from vtryon.deploy.framing import Frame, upper_body
from vtryon.deploy.photo import write_photo
from vtryon.deploy.tryon import Pair, prepare, read_pair

SIZE = (256, 192)
FACE = np.s_[65:160, 178:272]  # rows and columns of the astronaut's face


@pytest.fixture(scope="module")
def photo():
    return astronaut()


def test_a_square_photo_is_cut_to_the_shape_of_the_network_around_its_person(photo):
    frame = upper_body(photo, SIZE)
    assert frame.width / frame.height == pytest.approx(192 / 256, rel=0.01)
    assert frame.height == 512  # all of it: the face is large already
    assert abs(frame.left + frame.width / 2 - 225) < 10  # the middle of the face


def test_of_a_whole_scene_the_upper_body_is_left(photo):
    scene = np.full((1000, 1400, 3), 235, np.uint8)
    scene[400:912, 300:812] = photo
    frame = upper_body(scene, SIZE)
    assert frame.top <= 400 + FACE[0].start
    assert frame.top + frame.height >= 900
    assert frame.left < 300 + FACE[1].start < 300 + FACE[1].stop < frame.left + frame.width
    assert frame.height < 700


def test_a_photo_that_is_framed_well_and_one_without_a_face_stay_whole(photo):
    assert upper_body(np.ascontiguousarray(photo[:, 32:416]), SIZE) is None
    assert upper_body(np.full((300, 500, 3), 90, np.uint8), SIZE) is None


def test_the_photo_outside_of_the_part_stays_and_the_try_on_fades_in_from_its_edge(photo):
    cloth = np.full((64, 48, 3), 255, np.uint8)
    pair = prepare(photo, cloth, np.full((64, 48), 255, np.uint8), SIZE)
    inverted = pair.restore(255 - pair.person)
    inside = np.zeros(photo.shape[:2], bool)
    inside[pair.frame.inside] = True
    assert np.array_equal(inverted[~inside], photo[~inside])
    change = np.abs(inverted.astype(int) - photo).max(-1).mean(0)[pair.frame.left :]
    assert change[0] < 1 < change[5] < change[15]


def test_edges_that_are_the_photo_s_own_do_not_fade():
    weight = Frame(0, 10, 50, 40).weight((50, 50))
    assert weight[0, 20] == weight[-1, 20] == weight[0, -1] == 1
    assert weight[0, 0] == 0


def test_a_part_is_told(photo, tmp_path, warned):
    write_photo(tmp_path / "me.png", photo)
    write_photo(
        tmp_path / "shirt.png",
        np.pad(np.full((40, 30, 3), 90, np.uint8), ((9, 9), (9, 9), (0, 0)), constant_values=255),
    )
    read_pair(Pair(tmp_path / "me.png", tmp_path / "shirt.png", None, tmp_path / "out.png"), SIZE)
    assert any("me.png: only the upper body is dressed, 384 x 512 pixels at (" in text for text in warned)
