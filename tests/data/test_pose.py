"""Pose maps against PIL's rectangles, which the published networks were trained on."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from vtryon.data.pose import boxes, pose_maps

FULL = (256, 192)


def drawn_by_pil(keypoints, size=FULL):
    maps = []
    for x, y in keypoints:
        image = Image.new("L", size[::-1])
        if x > 1 and y > 1:
            ImageDraw.Draw(image).rectangle((x - 5, y - 5, x + 5, y + 5), "white", "white")
        maps.append(np.asarray(image) / 127.5 - 1)
    return torch.from_numpy(np.stack(maps)).float()


def drawn(keypoints, size=FULL, source=FULL):
    return pose_maps(torch.from_numpy(boxes(keypoints, size, source))[None], size)[0]


@pytest.mark.parametrize("seed", range(8))
def test_maps_equal_pil_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(-20, 280, (18, 2))
    keypoints[::3] = keypoints[::3].round()
    keypoints[1::6] = keypoints[1::6].round() + 0.5
    assert torch.equal(drawn(keypoints), drawn_by_pil(keypoints))


def test_maps_equal_pil_at_the_borders():
    corners = [
        0,
        0.9,
        1,
        1.001,
        2,
        4,
        5,
        5.5,
        9.9999999999,
        186,
        186.5,
        187,
        191,
        192,
        196.5,
        197,
        250,
        255,
    ]
    keypoints = np.array([(x, y) for x in corners for y in corners], dtype=np.float64)
    assert torch.equal(drawn(keypoints), drawn_by_pil(keypoints))


def test_a_person_who_is_not_found_gives_empty_maps():
    assert drawn(np.zeros((18, 2))).eq(-1).all()


def test_maps_of_a_batch_do_not_mix():
    rng = np.random.default_rng(0)
    people = [rng.uniform(0, 190, (18, 2)) for _ in range(3)]
    batch = pose_maps(
        torch.from_numpy(np.stack([boxes(person, FULL, FULL) for person in people])),
        FULL,
    )
    assert all(torch.equal(maps, drawn_by_pil(person)) for maps, person in zip(batch, people, strict=True))


@pytest.mark.parametrize("size", [(128, 96), (512, 384)])
def test_squares_keep_their_share_of_the_picture_at_other_sizes(size):
    keypoints = np.array([[90.0, 130.0]] * 18)
    share = drawn(keypoints, size).gt(0).float().mean()
    assert share == pytest.approx(drawn(keypoints).gt(0).float().mean().item(), rel=0.35)
    rows = drawn(keypoints, size)[0].gt(0).any(1).nonzero()
    assert rows.float().mean() / size[0] == pytest.approx(130 / 256, abs=0.01)
