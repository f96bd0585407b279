"""A file that is not what its name says is called by what it is, by every reader of pictures, arrays and weights."""

import numpy as np
import pytest
import torch
from PIL import Image

from vtryon.data.files import decode
from vtryon.data.files.archive import unpack
from vtryon.data.files.reader import DataError, check_whole, read
from vtryon.deploy.photo import read_photo
from vtryon.models.checkpoint import CheckpointError, load_net, read_pth
from vtryon.models.features.pretrained import WeightFile
from vtryon.utils.file_kind import file_kind

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
STRANGERS = {  # the first bytes, what the file is, and words of the remedy
    "git-lfs": (POINTER, "a git-LFS pointer", "git lfs pull"),
    "git-annex": (b"/annex/objects/SHA256E-s12--ab.jpg\n", "a git-annex pointer", "git annex get"),
    "html": (b"\n  <!DOCTYPE html>\n<html><head>", "a web page", "download the file again"),
    "html with a byte-order mark": (b"\xef\xbb\xbf<HTML lang='en'>", "a web page", "download the file again"),
    "xhtml": (b'<?xml version="1.0"?><html xmlns="x">', "a web page", "download the file again"),
    "error of a store": (
        b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code>',
        "a server's error message",
        "again",
    ),
    "error of an api": (b'{"error":"Invalid credentials"}', "a server's error message", "download the file again"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture", "JPEG, PNG or WebP"),
    "gzip": (b"\x1f\x8b\x08\0", "a gzip file", "unpack"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_every_reader_names_the_kind_and_the_remedy(tmp_path, name):
    data, kind, remedy = STRANGERS[name]
    data = data.ljust(60, b" ")
    (picture := tmp_path / "a.jpg").write_bytes(data)
    (array := tmp_path / "a.npy").write_bytes(data)
    (weights := tmp_path / "a.pth").write_bytes(data)
    readers = {
        (DataError, picture): lambda: read(picture, decode.photo),
        (DataError, array): lambda: check_whole(array),
        (ValueError, picture): lambda: read_photo(picture),
        (CheckpointError, weights): lambda: read_pth(weights),
    }
    for (error, path), reader in readers.items():
        with pytest.raises(error, match=rf"{path.name}.*{kind}.*{remedy}"):
            reader()
    with pytest.raises(CheckpointError, match=rf"{kind}.*{remedy}"):
        load_net(weights)


@pytest.mark.parametrize("name", ["git-lfs", "html"])
def test_published_weights_and_archives_that_are_pointers_or_pages_say_so(tmp_path, name):
    data, kind, _ = STRANGERS[name]
    (path := tmp_path / "a-00000000.pth").write_bytes(data)
    with pytest.raises(ValueError, match=kind):
        WeightFile("a-00000000.pth", "https://example.org/a").load(path)
    with pytest.raises(DataError, match=kind):
        unpack(path, tmp_path / "out")


def test_sound_files_are_of_no_strange_kind(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    assert file_kind((tmp_path / "a.pth").read_bytes()) is None
    assert file_kind(b'{"people": []}') is None
    for suffix in (".png", ".jpg", ".webp"):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"a{suffix}")
        assert file_kind((tmp_path / f"a{suffix}").read_bytes()).is_picture
