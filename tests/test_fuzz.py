"""Broken input of every kind, hundreds of it: read as something valid, or refused by an error that names it."""

import io
import json
import tarfile
import warnings
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save
from shirts import P3, garment, palette, png, profile, shirt
from tiny_nets import student_net

from vtryon.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from vtryon.config.compose import ConfigError, check_command_line
from vtryon.config.rules import RULES
from vtryon.data.files import decode
from vtryon.data.files.archive import unpack
from vtryon.data.files.pairs import read_pairs
from vtryon.data.files.reader import DataError, check_whole, read
from vtryon.models.checkpoint import CheckpointError, load_net, read_pth, save_net

SIZE = (64, 32)
many = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def broken(draw, whole: bytes) -> bytes:
    """The bytes cut, changed in places, grown by some, or nothing but noise."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.sampled_from(["cut", "change", "change", "insert", "remove", "noise"]))
        if kind == "cut":
            del data[at:]
        elif kind == "change" and data:
            data[at] = draw(st.integers(0, 255))
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=64))
        elif kind == "remove":
            del data[at : at + draw(st.integers(1, 64))]
        elif draw(st.booleans()):
            data = bytearray(draw(st.binary(max_size=200)))
    return bytes(data)


def encoded(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def saved(write, value) -> bytes:
    write(file := io.BytesIO(), value)
    return file.getvalue()


DRAW = np.random.default_rng(0)
POSE = {"people": [{"pose_keypoints": [float(n) for n in DRAW.integers(0, 64, 54)]}]}
PEOPLE = {"people": [{"pose_keypoints_2d": [float(n) for n in DRAW.uniform(0, 1, 75)]}] * 2, "canvas_width": 4}
PEOPLE["canvas_height"] = 6
MASK = shirt(SIZE) * np.uint8(255)


def tagged(form: str) -> bytes:
    """A photo with a camera's rotation flag and a colour profile."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(garment(SIZE)).save(file := io.BytesIO(), form, exif=exif, icc_profile=profile(P3))
    return file.getvalue()


FILES = {  # a sound file, how it is read, and what must hold of whatever is read
    "photo.jpg": (encoded(".jpg", DRAW.integers(0, 255, (*SIZE, 3), np.uint8)), decode.photo, lambda v: v.ndim == 3),
    "photo.png": (encoded(".png", DRAW.integers(0, 255, (*SIZE, 3), np.uint8)), decode.photo, lambda v: v.ndim == 3),
    "photo.webp": (encoded(".webp", DRAW.integers(0, 255, (*SIZE, 3), np.uint8)), decode.photo, lambda v: v.ndim == 3),
    "tagged.jpg": (tagged("JPEG"), decode.photo, lambda v: v.ndim == 3),
    "tagged.png": (tagged("PNG"), decode.photo, lambda v: v.ndim == 3),
    "tagged.webp": (tagged("WEBP"), decode.photo, lambda v: v.ndim == 3),
    "cutout.png": (
        png(np.dstack([garment(SIZE), shirt(SIZE) * np.uint8(255)])),
        decode.mask,
        lambda v: (v > 127).any(),
    ),
    "palette.png": (png(palette(shirt(SIZE), [(0, 0, 0), (128, 0, 0)])), decode.mask, lambda v: (v > 127).any()),
    "mask.npy": (saved(np.save, shirt(SIZE) * 1.0), decode.mask, lambda v: (v > 127).any()),
    "mask.jpg": (encoded(".jpg", DRAW.integers(0, 255, SIZE, np.uint8)), decode.mask, lambda v: v.ndim == 2),
    "label.png": (encoded(".png", DRAW.integers(0, 13, SIZE, np.uint8)), decode.labels, lambda v: v.max() <= 13),
    "parts.npy": (saved(np.save, DRAW.integers(0, 25, SIZE) * 1.0), decode.densepose, lambda v: v.max() <= 24),
    "pose.json": (json.dumps(POSE).encode(), decode.keypoints, lambda v: v.shape == (18, 2) and np.isfinite(v).all()),
    "people.json": (json.dumps(PEOPLE).encode(), decode.keypoints, lambda v: v.shape == (18, 2)),
    "flow.npy": (saved(np.save, np.zeros((2, *SIZE), np.float16)), decode.flow, lambda v: v.shape[0] == 2),
}


def put(folder: Path, name: str, data: bytes) -> Path:
    (path := folder / name).write_bytes(data)
    return path


def tried(call, error: type[Exception]) -> tuple[object, str | None]:
    """What a call returns, or how it was refused by its named error; any other error fails the test."""
    try:
        return call(), None
    except error as refusal:
        return None, str(refusal)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@many
def test_a_broken_file_is_valid_or_a_named_error(name, data, tmp_path):
    whole, decoder, holds = FILES[name]
    path = put(tmp_path, name, data.draw(broken(whole)))
    _, cut = tried(lambda: check_whole(path), DataError)
    value, refused = tried(lambda: read(path, decoder), DataError)
    assert refused.startswith(f"{path}: ") if refused else holds(value)
    assert cut is None or cut.startswith(f"{path}: ")


@given(data=st.one_of(broken(b"000003_0.jpg 000010_1.jpg\n000004_0.jpg 000011_1.jpg\r\n"), st.text().map(str.encode)))
@many
def test_a_broken_pair_list_is_pairs_or_a_named_error(data, tmp_path):
    path = put(tmp_path, "test_pairs.txt", data)
    found, refused = tried(lambda: read_pairs(path), DataError)
    if refused:
        assert refused.startswith(f"{path}: broken pair list")
    else:
        assert found.ids
        assert all(person and cloth for person, cloth in found.ids)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> dict[str, bytes]:
    """A network of ours, a bare state_dict in both of torch's formats, and a checkpoint."""
    place, some = tmp_path_factory.mktemp("weights"), {"a.weight": torch.ones(3, 2), "a.bias": torch.zeros(2)}
    save_net(student_net(), place / "model.safetensors")
    return {
        "ours": (place / "model.safetensors").read_bytes(),
        "foreign": save(some),
        "zip": saved(lambda file, value: torch.save(value, file), some),
        "legacy": saved(lambda file, value: torch.save(value, file, _use_new_zipfile_serialization=False), some),
    }


READERS = {"ours": load_net, "foreign": load_net, "zip": read_pth, "legacy": read_pth}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@many
def test_a_broken_weight_file_is_weights_or_a_named_error(name, data, weights, tmp_path):
    path = put(tmp_path, "file.pth", data.draw(broken(weights[name])))
    for reader in {READERS[name], AtomicCheckpointIO().load_checkpoint}:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of what it then refuses
            _, refused = tried(lambda reader=reader: reader(path), CheckpointError)
        assert refused is None or str(path) in refused


def zipped() -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", b"text" * 40)
        archive.writestr("c.txt", b"")
    return file.getvalue()


def tarred(mode: str) -> bytes:
    with tarfile.open(fileobj=(file := io.BytesIO()), mode=mode) as archive:
        for name, content in (("a/b.txt", b"text" * 40), ("c.txt", b"")):
            (info := tarfile.TarInfo(name)).size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


ARCHIVES = {"zip": zipped(), "tar": tarred("w"), "tar.gz": tarred("w:gz"), "tar.xz": tarred("w:xz")}


@pytest.mark.parametrize("name", ARCHIVES)
@given(data=st.data())
@many
def test_a_broken_archive_is_unpacked_whole_or_a_named_error(name, data, tmp_path_factory):
    place = tmp_path_factory.mktemp("archive")
    path = put(place, "archive", data.draw(broken(ARCHIVES[name])))
    _, refused = tried(lambda: unpack(path, place / "out"), DataError)
    assert sorted(file.name for file in place.iterdir()) == ["archive"] + ([] if refused else ["out"])


VALUES = st.one_of(
    st.integers(-3, 3).map(str),
    st.floats(allow_nan=True).map(str),
    st.sampled_from(
        ["null", "[]", "{}", "[1,2]", "true", "${seed}", "${nowhere}", "${oc.env:NOWHERE}", "???", "a,b", "'"]
    ),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=12),
)


@given(
    key=st.one_of(st.sampled_from([*RULES, "model", "trainer", "experiment", "paths.run"]), st.text(max_size=8)),
    value=VALUES,
)
@settings(many, max_examples=40)
def test_a_broken_override_is_a_config_or_a_named_error(key, value):
    _, refused = tried(lambda: check_command_line([f"{key}={value}"]), ConfigError)
    assert refused is None or refused.strip()
