"""Masks of drawn garments, whose true outline is known."""

import sys
from contextlib import suppress
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from vtryon.data.cloth_mask import cloth_mask

# half an outline, top to bottom: x from the middle and y, in hundredths of the height
HALF = [
    [0, 14],
    [13, 7],
    [24, 11],
    [42, 34],
    [44, 46],
    [33, 50],
    [27, 40],
    [26, 90],
    [0, 93],
]
LONG = [
    [0, 14],
    [13, 7],
    [25, 12],
    [38, 40],
    [42, 86],
    [33, 87],
    [28, 45],
    [26, 93],
    [0, 94],
]


def outline(half, height=256, width=192):
    """The mirrored polygon as a soft mask in [0, 1]."""
    points = np.array([(width / 2 + 0.0078 * x * height, 0.01 * y * height) for x, y in half])
    mirrored = np.array([(width - x, y) for x, y in points[::-1]])
    big = np.zeros((height * 4, width * 4), np.uint8)
    cv2.fillPoly(big, [np.round(np.concatenate([points, mirrored]) * 4).astype(np.int32)], 255)
    return cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def photograph(fabric, alpha, backdrop=255.0, noise=0.0, jpeg=None):
    """Lay a fabric (h, w, 3) on a backdrop, shade it towards its outline, add noise and JPEG blocks."""
    depth = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    shade = 1 - 0.16 * np.exp(-depth / 2.5) - 0.015
    image = fabric * shade[..., None] * alpha[..., None] + backdrop * (1 - alpha[..., None])
    image = np.clip(image + np.random.default_rng(0).normal(0, noise, image.shape), 0, 255).astype(np.uint8)
    if jpeg is None:
        return image
    return cv2.imdecode(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, jpeg])[1],
        cv2.IMREAD_COLOR,
    )


def plain(alpha, *colour):
    return np.broadcast_to(np.float32(colour), (*alpha.shape, 3))


def overlap(mask, alpha):
    mask, truth = mask > 0, alpha > 0.5
    return (mask & truth).sum() / (mask | truth).sum()


def stripes(alpha):
    rows = np.arange(alpha.shape[0])[:, None, None] // 9 % 2
    return np.where(rows, 250.0, np.float32([40, 60, 120])) * np.ones((*alpha.shape, 1), np.float32)


@pytest.mark.parametrize("half", [HALF, LONG], ids=["short", "long"])
@pytest.mark.parametrize("size", [(256, 192), (1100, 800), (300, 400)])
@pytest.mark.parametrize(
    "fabric",
    [(20, 20, 24), (200, 30, 40), (205, 200, 190)],
    ids=["black", "red", "beige"],
)
def test_a_plain_garment_is_found_at_any_photo_size(half, size, fabric):
    alpha = outline(half, *size)
    mask = cloth_mask(photograph(plain(alpha, *fabric), alpha))
    assert mask.shape == size
    assert set(np.unique(mask)) == {0, 255}
    assert overlap(mask, alpha) > 0.97


@pytest.mark.parametrize("half", [HALF, LONG], ids=["short", "long"])
@pytest.mark.parametrize(("noise", "jpeg"), [(0, None), (0, 85), (1.5, 90)])
def test_a_white_garment_on_white_is_found_by_its_edge(half, noise, jpeg):
    alpha = outline(half)
    mask = cloth_mask(photograph(plain(alpha, 255, 255, 255), alpha, noise=noise, jpeg=jpeg))
    assert overlap(mask, alpha) > 0.97


@pytest.mark.parametrize(("noise", "jpeg"), [(0, None), (4, 60)])
def test_white_stripes_do_not_cut_a_garment_to_pieces(noise, jpeg):
    alpha = outline(LONG)
    assert overlap(cloth_mask(photograph(stripes(alpha), alpha, noise=noise, jpeg=jpeg)), alpha) > 0.95


def test_a_light_that_falls_off_across_the_backdrop_is_no_garment():
    alpha = outline(HALF)
    light = np.linspace(250, 190, 192, dtype=np.float32)[None, :, None] * np.ones((256, 1, 3), np.float32)
    assert (
        overlap(
            cloth_mask(photograph(plain(alpha, 60, 110, 70), alpha, light, noise=2, jpeg=80)),
            alpha,
        )
        > 0.96
    )


def test_a_soft_shadow_on_the_backdrop_is_no_garment():
    alpha = outline(HALF)
    shadow = cv2.GaussianBlur(np.roll(alpha, (6, 8), (0, 1)), (0, 0), 9)[..., None]
    assert (
        overlap(
            cloth_mask(photograph(plain(alpha, 150, 40, 60), alpha, 255 - 25 * shadow)),
            alpha,
        )
        > 0.96
    )


def test_a_white_garment_is_told_from_its_shadow_on_white():
    alpha = outline(HALF)
    shadow = cv2.GaussianBlur(np.roll(alpha, (6, 8), (0, 1)), (0, 0), 9)[..., None]
    assert (
        overlap(
            cloth_mask(photograph(plain(alpha, 255, 255, 255), alpha, 255 - 25 * shadow)),
            alpha,
        )
        > 0.95
    )


def test_a_white_garment_on_a_retouched_backdrop_is_whole_though_its_outline_fades():
    alpha = outline(LONG)
    shade = np.linspace(249, 238, 256, dtype=np.float32)[:, None, None] * np.ones((256, 192, 3), np.float32)
    blurred = cv2.GaussianBlur(alpha, (0, 0), 6)[..., None]  # no edge anywhere
    photo = np.round(shade * blurred + 255 * (1 - blurred)).astype(np.uint8)
    photo[100:110, 80:110] = (40, 60, 160)  # but a print has
    mask = cloth_mask(photo)
    assert overlap(mask, alpha) > 0.85
    assert mask[128, 70:120].all()


def test_a_dark_backdrop_works_as_well():
    alpha = outline(HALF)
    assert (
        overlap(
            cloth_mask(photograph(plain(alpha, 230, 220, 60), alpha, 25.0, noise=2)),
            alpha,
        )
        > 0.96
    )


def test_a_white_print_stays_garment():
    alpha = outline(HALF)
    fabric = plain(alpha, 30, 40, 90).copy()
    cv2.circle(fabric, (96, 110), 26, (250, 250, 250), -1)
    assert cloth_mask(photograph(fabric, alpha, jpeg=90))[110, 96] == 255


def test_a_gap_that_shows_the_backdrop_stays_background():
    alpha = outline(HALF)
    cv2.ellipse(alpha, (96, 60), (22, 12), 0, 0, 360, 0.0, -1)
    mask = cloth_mask(photograph(plain(alpha, 30, 40, 90), alpha, jpeg=92))
    assert mask[60, 96] == 0
    assert overlap(mask, alpha) > 0.97


def test_a_sleeve_may_leave_the_picture():
    alpha = np.roll(outline(HALF), 45, axis=1)
    alpha[:, :40] = 0
    assert overlap(cloth_mask(photograph(plain(alpha, 120, 20, 90), alpha)), alpha) > 0.96


def test_a_price_tag_beside_the_garment_is_left_out():
    alpha = outline(HALF)
    image = photograph(plain(alpha, 120, 20, 90), alpha)
    image[215:245, 8:24] = 60
    assert overlap(cloth_mask(image), alpha) > 0.97


def test_the_same_photo_gives_the_same_mask():
    alpha = outline(LONG)
    image = photograph(stripes(alpha), alpha, noise=3, jpeg=70)
    assert np.array_equal(cloth_mask(image), cloth_mask(image))


@pytest.mark.parametrize("size", [(120, 90), (5, 7), (1, 1), (3, 700)])
def test_a_photo_without_a_backdrop_gives_a_mask_or_the_usual_error(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    with suppress(ValueError):  # nothing stands out
        assert cloth_mask(image).shape == size


def test_an_empty_photo_is_an_error_with_a_remedy():
    with pytest.raises(ValueError, match="--edge"):
        cloth_mask(np.full((64, 48, 3), 255, np.uint8))


def test_an_unknown_method_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'magic'.*opencv, rembg"):
        cloth_mask(np.zeros((8, 8, 3), np.uint8), method="magic")


def test_a_missing_rembg_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rembg", None)
    with pytest.raises(ImportError, match=r'pip install "vtryon\[rembg\]"'):
        cloth_mask(np.zeros((8, 8, 3), np.uint8), method="rembg")


def test_rembg_is_asked_for_the_mask_alone(monkeypatch):
    asked = {}

    def remove(photo, only_mask, session):
        asked.update(shape=photo.shape, only_mask=only_mask, session=session)
        return np.pad(np.full((20, 10), 255, np.uint8), 5)

    monkeypatch.setitem(
        sys.modules,
        "rembg",
        SimpleNamespace(remove=remove, new_session=lambda name: name),
    )
    mask = cloth_mask(np.zeros((30, 20, 3), np.uint8), method="rembg")
    assert asked == {"shape": (30, 20, 3), "only_mask": True, "session": "u2net"}
    assert (mask > 0).sum() == 200
