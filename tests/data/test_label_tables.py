"""Parse maps of LIP's labels: read as palettes or grey pictures, mapped to the 14 labels, refused with a remedy."""

import io

import numpy as np
import pytest
from PIL import Image

from vtryon.data.files import decode
from vtryon.data.files.header import FaultError

# By hand from LIP's list of labels and ACGPN's 14, not from the table under test.
EXPECTED = [0, 1, 1, 11, 12, 4, 4, 4, 9, 8, 8, 4, 8, 12, 11, 13, 9, 10, 5, 6, 0]
IDS = np.arange(21, dtype=np.uint8).reshape(3, 7)


def png(pixels: np.ndarray, palette: bool = False, kind: str = "PNG", **options) -> bytes:
    picture = Image.fromarray(pixels)
    if palette:
        picture.putpalette([(37 * value) % 256 for value in range(768)])
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("palette", [True, False])
def test_all_21_labels_become_their_label_of_the_14(palette):
    labels = decode.lip_labels(png(IDS, palette))
    assert labels.dtype == np.uint8
    assert labels.shape == (3, 7)
    assert labels.ravel().tolist() == EXPECTED


def test_a_palette_of_few_colours_in_four_bits_is_read_as_its_ids():
    ids = np.arange(16, dtype=np.uint8).reshape(2, 8)
    assert decode.lip_labels(png(ids, palette=True, bits=4)).ravel().tolist() == EXPECTED[:16]


def test_transparency_in_the_palette_changes_no_label():
    assert decode.lip_labels(png(IDS, palette=True, transparency=0)).ravel().tolist() == EXPECTED


@pytest.mark.parametrize("palette", [True, False])
def test_an_unknown_label_is_named_with_what_is_allowed(palette):
    with pytest.raises(FaultError, match=r"label out of range: LIP's labels are 0\.\.20, found 21; save the ids"):
        decode.lip_labels(png(IDS + 1, palette))


@pytest.mark.parametrize("channels", [3, 4])
def test_a_parse_map_in_colours_is_refused_with_a_remedy(channels):
    with pytest.raises(FaultError, match="wrong mode: a parse map in colours; save LIP's label ids as a palette"):
        decode.lip_labels(png(np.stack([IDS] * channels, axis=2)))


def test_a_map_in_16_bits_is_refused():
    with pytest.raises(FaultError, match="wrong mode"):
        decode.lip_labels(png(IDS.astype(np.uint16)))


def test_a_jpeg_whose_compression_would_blur_labels_is_refused():
    with pytest.raises(FaultError, match="wrong mode: a JPEG"):
        decode.lip_labels(png(IDS, kind="JPEG"))


def test_a_broken_file_is_unreadable_and_not_a_crash():
    data = bytearray(png(np.tile(IDS, (40, 20)), palette=True))
    for damaged in (data[:60], data[:-40], b"", b"GIF89a"):
        with pytest.raises(FaultError):
            decode.lip_labels(bytes(damaged))
    start = data.index(b"IDAT") + 8
    data[start : start + 8] = b"\xff" * 8
    with pytest.raises(FaultError, match="unreadable"):
        decode.lip_labels(bytes(data))
