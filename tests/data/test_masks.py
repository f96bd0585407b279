"""Masks as people save them: loader, try-on and check read every one alike, or refuse it with the same reason."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from shirts import SIZE, garment, palette, png, rounded, shirt

from vtryon.data.checking.inspection import look_at
from vtryon.data.checking.mask_damage import damage
from vtryon.data.cloth_mask import garment_mask
from vtryon.data.files import decode
from vtryon.data.files.header import FaultError
from vtryon.data.files.masks import read_mask
from vtryon.deploy import photo

INSIDE = shirt()
WHITE = np.where(INSIDE, 255, 0).astype(np.uint8)
OPAQUE = np.full(SIZE, 255, np.uint8)


def saved(array, suffix):
    return cv2.imencode(suffix, array)[1].tobytes()


def npy(array):
    np.save(file := io.BytesIO(), array)
    return file.getvalue()


def coloured(inside, outside):
    return np.where(INSIDE[..., None], inside, outside).astype(np.uint8)


FORMS = {  # the bytes of a mask file
    "grey 0 and 255": png(WHITE),
    "grey 0 and 1": png(INSIDE.astype(np.uint8)),
    "grey 0 and 100": png(INSIDE.astype(np.uint8) * 100),
    "grey 128 and 255": png(np.where(INSIDE, 255, 128).astype(np.uint8)),
    "one bit": png(Image.fromarray(INSIDE)),
    "inverted": png(255 - WHITE),
    "one bit, inverted": png(Image.fromarray(~INSIDE)),
    "grey 0 and 1, inverted": png((~INSIDE).astype(np.uint8)),
    "palette, red on black": png(palette(INSIDE, [(0, 0, 0), (128, 0, 0)])),
    "palette, black on white": png(palette(INSIDE, [(255, 255, 255), (0, 0, 0)])),
    "palette, two colours": png(palette(INSIDE, [(90, 200, 90), (200, 90, 90)])),
    "palette of equal colours": png(palette(INSIDE, [(7, 7, 7), (7, 7, 7)])),
    "palette with transparency": png(palette(INSIDE, [(255, 255, 255), (255, 255, 255)]), transparency=0),
    "RGB": png(np.repeat(WHITE[..., None], 3, axis=-1)),
    "RGB 0 and 1": png(np.repeat(INSIDE[..., None].astype(np.uint8), 3, axis=-1)),
    "RGB, green on black": png(coloured((0, 200, 0), (0, 0, 0))),
    "RGB, red on white": png(coloured((255, 0, 0), (255, 255, 255))),
    "RGB, blue on red": png(coloured((0, 0, 255), (255, 0, 0))),
    "RGBA, the mask in colour": png(np.dstack([WHITE, WHITE, WHITE, OPAQUE])),
    "RGBA, the mask in alpha": png(np.dstack([OPAQUE, OPAQUE, OPAQUE, WHITE])),
    "RGBA, in colour and in alpha": png(np.dstack([WHITE, WHITE, WHITE, WHITE])),
    "RGBA, inverted in alpha": png(np.dstack([OPAQUE * 0, OPAQUE * 0, OPAQUE * 0, 255 - WHITE])),
    "RGBA, in colour with rounded corners": png(np.dstack([WHITE, WHITE, WHITE, rounded()])),
    "RGBA, in colour with alpha 254": png(np.dstack([WHITE, WHITE, WHITE, OPAQUE - 1])),
    "RGBA, alpha 0 and 1": png(np.dstack([OPAQUE, OPAQUE, OPAQUE, INSIDE.astype(np.uint8)])),
    "grey with alpha": png(np.dstack([OPAQUE, WHITE])),
    "a cut-out": png(np.dstack([garment(), WHITE])),
    "a cut-out of a black and white shirt": png(np.dstack([*[WHITE * (np.arange(96) % 9 < 4)] * 3, WHITE])),
    "16 bits": saved(WHITE.astype(np.uint16) * 257, ".png"),
    "16 bits, 0 and 1": saved(INSIDE.astype(np.uint16), ".png"),
    "16 bits, 0 and 255": saved(WHITE.astype(np.uint16), ".png"),
    "JPEG": saved(WHITE, ".jpg"),
    "JPEG, inverted": saved(255 - WHITE, ".jpg"),
    "JPEG, RGB": saved(np.repeat(WHITE[..., None], 3, axis=-1), ".jpg"),
    "JPEG, red on black": saved(coloured((0, 0, 255), (0, 0, 0)), ".jpg"),
    "WebP": saved(np.repeat(WHITE[..., None], 3, axis=-1), ".webp"),
    "WebP cut-out": saved(np.dstack([garment()[..., ::-1], WHITE]), ".webp"),
    "soft outline": png(cv2.GaussianBlur(WHITE, (9, 9), 2)),
}
PLAIN = {"grey 0 and 255", "one bit", "RGB", "JPEG", "JPEG, RGB", "WebP", "soft outline"}  # white on black once read
PLAIN |= {"16 bits", "16 bits, 0 and 255"} | {name for name in FORMS if name.startswith("RGBA, ") and "colour" in name}
PLAIN -= {"RGBA, in colour and in alpha"}
ARRAYS = {  # of Python's callers, and of .npy files
    "bool": INSIDE,
    "floats 0 and 1": INSIDE.astype(np.float32),
    "floats 0 and 255": WHITE.astype(np.float64),
    "whole numbers 0 and 1": INSIDE.astype(np.int64),
    "one channel": WHITE[..., None],
    "inverted bool": ~INSIDE,
}
SHADES = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (128, 1))
TIGHT = np.where(cv2.warpAffine(WHITE, np.float32([[1, 0, 30], [0, 1, 16]]), SIZE[::-1]) > 127, 0, 255).astype(np.uint8)
REFUSED = {  # a file, the kind of its fault, and words of the reason
    "black": (png(WHITE * 0), "empty mask", "black everywhere"),
    "one grey": (png(OPAQUE // 2), "no mask", "one value everywhere, 127"),
    "labels 0 to 13": (png(SHADES // 19), "no mask", "14 levels from 0 to 13: labels"),
    "a grey photo": (png(SHADES), "no mask", "shades between black and white: a photo"),
    "a photo in colours": (png(np.dstack([SHADES, SHADES.copy()[:, ::-1], OPAQUE])), "no mask", "a photo"),
    "cut out the wrong way round": (png(np.dstack([garment(), 255 - WHITE])), "no mask", "transparent inside"),
    "inverted, and the garment reaches the border": (png(TIGHT), "doubtful mask", "of its border"),
    "not a number": (npy(np.full(SIZE, np.nan)), "no mask", "nan"),
    "negative numbers": (npy(np.where(INSIDE, 1.0, -1.0)), "no mask", "from -1 to 1"),
    "five channels": (npy(np.zeros((*SIZE, 5))), "wrong shape", "5"),
}


def overlap(mask, truth=INSIDE):
    return ((mask > 127) & truth).sum() / ((mask > 127) | truth).sum()


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_mask_is_read_alike_by_loader_try_on_and_check(tmp_path, name):
    suffix = ".webp" if "WebP" in name else ".jpg" if "JPEG" in name else ".png"
    (path := tmp_path / f"mask{suffix}").write_bytes(FORMS[name])
    loaded, given, look = decode.mask(FORMS[name]), photo.read_mask(path), look_at(str(path), decode.mask)
    assert overlap(loaded) > (0.97 if suffix != ".png" or name == "soft outline" else 0.9999)
    assert np.array_equal(loaded > 127, given.pixels > 127)
    assert [problem.kind for problem in look.problems] == ([] if name in PLAIN else ["unusual mask"])
    assert look.shape == SIZE


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_every_number_type_are_masks(name):
    assert overlap(read_mask(ARRAYS[name]).pixels) == 1
    assert overlap(decode.mask(npy(ARRAYS[name]))) == 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_mask_is_refused_with_the_reason_by_all_three(tmp_path, name):
    data, kind, words = REFUSED[name]
    (path := tmp_path / "mask.png").write_bytes(data)
    with pytest.raises(FaultError, match=words) as caught:
        decode.mask(data)
    assert caught.value.kind == kind
    assert [problem.kind for problem in look_at(str(path), decode.mask).problems] == [kind]
    if not data.startswith(b"\x93NUMPY"):
        with pytest.raises(ValueError, match=rf"mask\.png: {kind}: .*{words}"):
            photo.read_mask(path)


def test_an_ordinary_mask_keeps_its_soft_outline_to_the_bit():
    soft = cv2.GaussianBlur(WHITE, (5, 5), 1)
    assert np.array_equal(decode.mask(png(soft)), soft)


def test_a_close_up_that_is_white_nearly_everywhere_is_not_inverted():
    close = np.full(SIZE, 255, np.uint8)
    close[:12, 60:] = 0
    assert np.array_equal(decode.mask(png(close)), close)
    assert [kind for kind, _ in damage(close).problems()] == ["full mask"]


def test_holes_and_torn_pieces_are_measured_as_shares_of_the_garment():
    assert damage(WHITE).problems() == []
    pierced = WHITE.copy()
    pierced[70:90, 40:50] = 0
    assert damage(pierced).holes == pytest.approx(200 / INSIDE.sum())
    torn = WHITE * (np.indices(SIZE).sum(axis=0) % 12 < 8)
    assert dict(damage(torn).problems()).keys() == {"torn mask"}


def test_two_halves_of_a_set_are_not_torn():
    pair = np.zeros(SIZE, np.uint8)
    pair[10:40, 20:60], pair[60:110, 25:55] = 255, 255
    assert damage(pair).problems() == []


TRANSPARENT = {
    "alpha 254 everywhere": OPAQUE - 1,
    "rounded corners": rounded(),
    "very round corners": rounded(radius=40),
    "a circle": cv2.circle(np.zeros(SIZE, np.uint8), (48, 64), 62, 255, -1),
    "padding": np.pad(np.full((116, 84), 255, np.uint8), 6),
    "a cut-out": WHITE,
    "a soft cut-out": cv2.GaussianBlur(WHITE, (5, 5), 1),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_a_garments_transparency_is_its_mask_only_where_it_cuts_the_garment_out(tmp_path, name):
    alpha = TRANSPARENT[name]
    (path := tmp_path / "cloth.png").write_bytes(png(np.dstack([garment(), alpha])))
    cloth = photo.read_photo(path)
    mask = garment_mask(cloth.image, cloth.alpha)
    assert overlap(mask, INSIDE & (alpha > 127)) > 0.93


def test_a_garment_that_is_transparent_inside_is_refused():
    with pytest.raises(FaultError, match="transparent inside and opaque along its border"):
        garment_mask(garment(), 255 - WHITE)
    with pytest.raises(FaultError, match="transparent everywhere"):
        garment_mask(garment(), WHITE * 0)


def test_a_plain_swatch_in_a_frame_is_garment_all_over():
    alpha = np.pad(np.full((96, 64), 255, np.uint8), 16)
    assert np.array_equal(garment_mask(np.full((128, 96, 3), 90, np.uint8), alpha), alpha)
