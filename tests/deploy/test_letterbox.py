"""What goes into the network and comes back unchanged must be the photo itself."""

import numpy as np
import pytest
from skimage import data as photos

from vtryon.deploy.letterbox import letterbox

SIZE = (256, 192)


@pytest.fixture(scope="module")
def astronaut():
    return photos.astronaut()  # 512 x 512


@pytest.mark.parametrize(
    "crop",
    [
        (512, 512),
        (512, 300),
        (200, 512),
        (256, 192),
        (120, 90),
        (511, 383),
        (3, 500),
        (1, 1),
    ],
)
@pytest.mark.parametrize("stand", [True, False])
def test_an_identity_network_gives_the_photo_back_exactly(astronaut, crop, stand):
    photo = np.ascontiguousarray(astronaut[: crop[0], : crop[1]])
    box = letterbox(crop, SIZE, stand)
    seen = box.fit(photo)
    assert seen.shape == (*SIZE, 3)
    assert np.array_equal(box.restore(photo, seen), photo)


def test_a_photo_of_the_networks_size_goes_through_untouched(astronaut):
    photo = np.ascontiguousarray(astronaut[:256, :192])
    box = letterbox(SIZE, SIZE, stand=True)
    answer = 255 - photo
    assert np.array_equal(box.fit(photo), photo)
    assert np.array_equal(box.restore(photo, answer), answer)


@pytest.mark.parametrize("photo", [(1000, 1000), (4000, 600), (333, 777)])
def test_proportions_are_kept(photo):
    box = letterbox(photo, SIZE)
    assert box.height == 256 or box.width == 192
    assert box.height / photo[0] == pytest.approx(box.width / photo[1], abs=0.5 / min(photo))


def test_a_person_stands_on_the_bottom_and_a_garment_hangs_in_the_middle():
    assert letterbox((100, 100), SIZE, stand=True).top == 64
    assert letterbox((100, 100), SIZE).top == 32


def test_padding_draws_no_edge():
    photo = np.full((100, 100, 3), (200, 190, 180), np.uint8)
    assert np.ptp(letterbox((100, 100), SIZE, stand=True).fit(photo), axis=(0, 1)).max() == 0


def test_a_mask_is_padded_with_background_and_stays_binary():
    box = letterbox((100, 200), SIZE)
    mask = box.fit_mask(np.full((100, 200), 255, np.uint8))
    assert set(np.unique(mask)) == {0, 255}
    assert (mask > 0).sum() == box.height * box.width


def test_what_the_network_changed_is_taken_and_the_rest_stays_sharp(astronaut):
    box = letterbox((512, 512), SIZE, stand=True)
    answer = box.fit(astronaut)
    answer[150:220, 40:120] = (10, 200, 30)
    out = box.restore(astronaut, answer)
    top, scale = box.top, 512 / 192
    inside = out[
        round((150 - top + 2) * scale) : round((220 - top - 2) * scale),
        round(42 * scale) : round(118 * scale),
    ]
    assert np.abs(inside.astype(int) - (10, 200, 30)).max() <= 2
    assert np.array_equal(
        out[: round((150 - top - 12) * scale)],
        astronaut[: round((150 - top - 12) * scale)],
    )
    assert np.array_equal(out[:, round(135 * scale) :], astronaut[:, round(135 * scale) :])


def test_the_old_garments_stripes_do_not_shine_through_the_new_one():
    photo = np.full((1024, 768, 3), 240, np.uint8)
    photo[300:800:2, 200:600] = 0  # threads finer than the network sees: grey 120 to it
    box = letterbox((1024, 768), SIZE, stand=True)
    answer = box.fit(photo)
    answer[75:200, 50:150] = (180, 60, 60)
    garment = box.restore(photo, answer)[310:790, 210:590]
    assert np.ptp(garment, axis=(0, 1)).max() <= 2


def test_the_old_print_goes_also_where_it_has_the_new_garments_colour():
    photo = np.full((1024, 768, 3), 240, np.uint8)
    photo[500:600:2, 350:450] = 0
    box = letterbox((1024, 768), SIZE, stand=True)
    answer = box.fit(photo)
    seen = answer[127:148, 90:110].copy()
    answer[75:200, 50:150] = (180, 60, 60)
    answer[127:148, 90:110] = seen
    assert np.ptp(box.restore(photo, answer)[520:580, 370:430], axis=(0, 1)).max() <= 2


def test_small_errors_of_the_network_do_not_blur_the_photo(astronaut):
    box = letterbox((512, 512), SIZE, stand=True)
    wobble = np.random.default_rng(0).integers(-6, 7, (*SIZE, 3))
    answer = np.clip(box.fit(astronaut) + wobble, 0, 255).astype(np.uint8)
    assert np.array_equal(box.restore(astronaut, answer), astronaut)
