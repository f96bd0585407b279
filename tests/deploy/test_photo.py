"""Files as telephones, scanners and cut-out tools write them."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from vtryon.deploy.photo import check_suffix, read_photo, write_photo


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def test_png_keeps_every_value(tmp_path, picture):
    write_photo(tmp_path / "a" / "b.png", picture)
    photo = read_photo(tmp_path / "a" / "b.png")
    assert np.array_equal(photo.image, picture)
    assert photo.alpha is None
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["b.png"]


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turned_telephone_gives_the_picture_that_opencv_sees(tmp_path, turn):
    stored = np.zeros((40, 60, 3), np.uint8)
    stored[:16, :24] = (250, 120, 10)
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    seen = cv2.cvtColor(cv2.imread(str(tmp_path / "a.jpg")), cv2.COLOR_BGR2RGB)
    np.testing.assert_allclose(read_photo(tmp_path / "a.jpg").image, seen, atol=3)


def test_grey_pictures_get_three_channels(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "a.png"), picture[..., 0])
    assert np.array_equal(read_photo(tmp_path / "a.png").image, np.repeat(picture[..., :1], 3, axis=-1))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_become_eight(tmp_path, picture, channels, suffix):
    deep = picture[..., :channels].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / f"a{suffix}"), deep[..., ::-1])
    expected = np.broadcast_to(picture[..., :channels], (20, 30, 3))
    assert np.array_equal(read_photo(tmp_path / f"a{suffix}").image, expected)


def test_transparency_is_laid_on_white_and_kept_as_a_mask(tmp_path, picture):
    alpha = np.zeros((20, 30), np.uint8)
    alpha[5:15, 5:25] = 255
    Image.fromarray(np.dstack([picture, alpha])).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.alpha, alpha)
    assert np.array_equal(photo.image[alpha > 0], picture[alpha > 0])
    assert (photo.image[alpha == 0] == 255).all()


def test_an_alpha_channel_without_transparency_is_no_mask(tmp_path, picture):
    Image.fromarray(np.dstack([picture, np.full((20, 30), 255, np.uint8)])).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").alpha is None


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_a_header_that_claims_a_huge_picture_is_refused_unread(tmp_path, side):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(ValueError, match=r"bomb\.png: .*at most 67,108,864"):
        read_photo(tmp_path / "bomb.png")


@pytest.mark.parametrize("keep", [0, 10, 0.6])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_damaged_file_is_an_error_with_its_path(tmp_path, picture, keep, suffix):
    write_photo(tmp_path / f"a{suffix}", picture)
    whole = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"a{suffix}").write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    with pytest.raises(ValueError, match=rf"a\{suffix}: not a readable picture"):
        read_photo(tmp_path / f"a{suffix}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nobody\.jpg: no such picture"):
        read_photo(tmp_path / "nobody.jpg")


@pytest.mark.parametrize("name", ["a", "a.docx", "a.mp4"])
def test_a_suffix_that_no_picture_has_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"suffix.*\.png"):
        check_suffix(tmp_path / name)
