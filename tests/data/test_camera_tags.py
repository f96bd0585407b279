"""What a camera wrote beside the pixels is applied, by the loader and by the try-on alike, or refused."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps
from shirts import ADOBE, P3, profile

from vtryon.data.checking.inspection import look_at
from vtryon.data.files import decode
from vtryon.data.files.camera_tags import turned
from vtryon.data.files.header import FaultError
from vtryon.deploy.photo import read_photo

RED_AND_GREEN = {  # sRGB's red and green as other spaces write them (CSS Color 4, and Bruce Lindbloom's calculator)
    "Display P3": (profile(P3), (234, 51, 35), (117, 251, 76)),
    "Adobe RGB": (profile(ADOBE, 2.19921875), (219, 0, 0), (144, 255, 60)),
}
STORED = (48, 64)


def saved(image, suffix=".png", **options):
    image.save(file := io.BytesIO(), {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP"}[suffix], **options)
    return file.getvalue()


def halves(left, right):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :16], pixels[:, 16:] = left, right
    return Image.fromarray(pixels)


def corners():
    """A picture whose four corners differ, 48x64."""
    pixels = np.full((*STORED, 3), 128, np.uint8)
    pixels[:20, :20], pixels[:20, 44:], pixels[28:, :20] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return Image.fromarray(pixels)


def marked(flag, suffix=".jpg", image=None):
    exif = Image.Exif()
    exif[0x0112] = flag
    options = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}.get(suffix, {})
    return saved(image or corners(), suffix, exif=exif, **options)


@pytest.mark.parametrize("space", RED_AND_GREEN)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_colours_of_an_embedded_profile_become_srgb_in_loader_and_try_on(tmp_path, space, suffix):
    icc, red, green = RED_AND_GREEN[space]
    options = {".png": {}, ".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}[suffix]
    (path := tmp_path / f"a{suffix}").write_bytes(saved(halves(red, green), suffix, icc_profile=icc, **options))
    for pixels in (decode.photo(path.read_bytes())[..., ::-1], read_photo(path).image):
        near = 12 if suffix == ".jpg" else 6  # the published triples are rounded, and P3's last step is large in red
        np.testing.assert_allclose(pixels[8, 4], (255, 0, 0), atol=near)
        np.testing.assert_allclose(pixels[8, 28], (0, 255, 0), atol=near)
    assert [problem.kind for problem in look_at(str(path), decode.photo).problems] == ["colour profile"]


def test_a_picture_in_srgb_keeps_every_bit(tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8))
    srgb = profile(((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)))
    plain, tagged = saved(noise, ".jpg"), saved(noise, ".jpg", icc_profile=srgb)
    assert np.array_equal(decode.photo(plain), decode.photo(tagged))
    (path := tmp_path / "a.jpg").write_bytes(tagged)
    assert look_at(str(path), decode.photo).problems == []


def test_a_profile_leaves_transparency_as_it_is(tmp_path):
    image = halves((234, 51, 35), (117, 251, 76))
    image.putalpha(Image.fromarray(np.tile(np.arange(32, dtype=np.uint8) * 8, (32, 1))))
    image.save(tmp_path / "a.png", icc_profile=profile(P3))
    assert np.array_equal(read_photo(tmp_path / "a.png").alpha, np.array(image.getchannel("A")))


@pytest.mark.parametrize("icc", [b"no profile at all", profile(P3)[:150]])
def test_a_broken_profile_is_refused_with_the_remedy(tmp_path, icc):
    (path := tmp_path / "a.png").write_bytes(saved(halves(0, 255), icc_profile=icc))
    with pytest.raises(FaultError, match=r"colour profile: .*save the picture as sRGB"):
        decode.photo(path.read_bytes())
    with pytest.raises(ValueError, match=r"a\.png: colour profile"):
        read_photo(path)


@pytest.mark.parametrize("flag", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_photo_over_which_nothing_was_drawn_is_turned_as_viewers_turn_it(flag, suffix):
    data = marked(flag, suffix)
    with Image.open(io.BytesIO(data)) as image:
        shown = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert shown.shape[:2] == (STORED if flag < 5 else STORED[::-1])
    np.testing.assert_allclose(decode.photo(data)[..., ::-1], shown, atol=4)
    assert np.array_equal(turned(np.asarray(corners()), flag), np.asarray(ImageOps.exif_transpose(_flagged(flag))))


def _flagged(flag):
    return Image.open(io.BytesIO(marked(flag, ".png")))


@pytest.mark.parametrize("flag", [5, 6, 7, 8])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_quarter_turn_is_applied_if_what_was_drawn_has_the_turned_shape(flag, scale):
    data, shape = marked(flag), (STORED[0] * scale, STORED[1] * scale)
    assert decode.photo(data, [shape[::-1], STORED[::-1]]).shape[:2] == STORED[::-1]
    assert decode.photo(data, [shape]).shape[:2] == STORED
    with pytest.raises(FaultError, match=r"turned photo: EXIF says on its side.*\(orientation \d\)"):
        decode.photo(data, [shape, shape[::-1]])


@pytest.mark.parametrize(("flag", "image"), [(2, None), (3, None), (4, None), (6, halves(0, 255))])
def test_turns_that_shapes_do_not_tell_are_refused_beside_labels(flag, image):
    data = marked(flag, image=image)
    with pytest.raises(FaultError, match=r"turned photo: .*save both upright"):
        decode.photo(data, [(32, 32) if image else STORED])


@pytest.mark.parametrize("flag", [0, 9, 77])
def test_a_flag_that_exif_does_not_know_changes_nothing(flag):
    assert decode.photo(marked(flag)).shape[:2] == STORED
