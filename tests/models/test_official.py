"""The released weight files in both formats, and an error with file and key for all that can be wrong with them."""

import io
import json
import zlib
from functools import partial
from pathlib import Path

import pytest
import torch
from odd_widths import ODD, net_of, same

from vtryon.models import checkpoint
from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import CheckpointError, load_official, save_official
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet, TutorNet

GOLDEN = Path(__file__).parents[1] / "golden"
LEGACY, ZIP = False, True


@pytest.fixture
def narrow(monkeypatch):
    """The released layout with thin layers, so that the tests of errors are fast."""
    monkeypatch.setattr(checkpoint, "AFWM", partial(AFWM, **ODD))
    monkeypatch.setattr(checkpoint, "ResUnetGenerator", partial(ResUnetGenerator, ngf=3))


@pytest.fixture
def files(tmp_path, narrow):
    paths = tmp_path / "warp_model_final.pth", tmp_path / "gen_model_final.pth"
    save_official(net_of("student"), *paths)
    return paths


@pytest.mark.parametrize(("role", "kind", "short"), [("student", TryOnNet, "pf"), ("tutor", TutorNet, "pb")])
def test_a_file_with_the_released_names_and_shapes_is_read_to_the_last_weight(tmp_path, role, kind, short):
    paths = []
    for part in ("warp", "gen"):
        weights = {}
        for line in (GOLDEN / f"keys_{short}_{part}.txt").read_text().splitlines():
            key, rest = line.split(" ", 1)
            shape, dtype = rest.rsplit(" ", 1)
            value = torch.tensor(zlib.crc32(key.encode()) % 1000, dtype=getattr(torch, dtype))
            weights[key] = value.expand(json.loads(shape))  # one number in the file, in full shape
        paths.append(tmp_path / f"{part}.pth")
        torch.save(weights, paths[-1])
    net = load_official(*paths, role=role)
    assert type(net) is kind
    assert not net.training
    for part in (net.warp, net.generator):
        for key, value in part.state_dict().items():
            assert (value == zlib.crc32(key.encode()) % 1000).all(), key


@pytest.mark.parametrize("role", ["student", "tutor"])
@pytest.mark.parametrize("form", [LEGACY, ZIP])
def test_both_formats_of_official_files_give_every_weight_back(tmp_path, narrow, role, form):
    net = net_of(role)
    paths = tmp_path / "warp.pth", tmp_path / "gen.pth"
    for part, path in zip((net.warp, net.generator), paths, strict=True):
        torch.save(part.state_dict(), path, _use_new_zipfile_serialization=form)
    assert same(load_official(*paths, role), net)


def test_saved_official_files_are_bare_state_dicts_in_the_released_order(files):
    for part, path in zip(("warp", "gen"), files, strict=True):
        names = [line.split()[0] for line in (GOLDEN / f"keys_pf_{part}.txt").read_text().splitlines()]
        weights = torch.load(path, weights_only=True)
        assert list(weights) == names
        assert not any(value.requires_grad for value in weights.values())


def test_kernels_that_the_released_training_saved_by_accident_are_dropped(files):
    weights = torch.load(files[0], weights_only=True) | {"aflow_net.weight": torch.zeros(4, 1, 3, 3)}
    torch.save(weights, files[0])
    assert same(load_official(*files), net_of("student"))


@pytest.mark.parametrize("part", [0, 1])
def test_a_missing_file_is_named(files, part):
    files[part].unlink()
    with pytest.raises(CheckpointError, match=rf"{files[part]}: no such weight file"):
        load_official(*files)


@pytest.mark.parametrize(
    ("part", "key"),
    [(0, "cond_FPN.smooth.3.bias"), (1, "model.model.4.model.1.running_var")],
)
def test_a_missing_key_is_named_with_its_file(files, part, key):
    weights = torch.load(files[part], weights_only=True)
    del weights[key]
    torch.save(weights, files[part])
    with pytest.raises(CheckpointError, match=rf"{files[part]}: lacks {key}"):
        load_official(*files)


def test_a_key_that_the_network_has_not_is_named_with_its_file(files):
    torch.save(
        torch.load(files[1], weights_only=True) | {"model.extra": torch.zeros(1)},
        files[1],
    )
    with pytest.raises(
        CheckpointError,
        match=rf"{files[1]}: holds model.extra, which this network has not",
    ):
        load_official(*files)


def test_a_wrong_shape_is_named_with_file_key_and_both_shapes(files):
    weights = torch.load(files[0], weights_only=True)
    weights["aflow_net.netMain.2.0.weight"] = torch.zeros(1, 2, 3, 3)
    torch.save(weights, files[0])
    match = rf"{files[0]}: aflow_net.netMain.2.0.weight has shape \(1, 2, 3, 3\), the network wants \(7, 25, 3, 3\)"
    with pytest.raises(CheckpointError, match=match):
        load_official(*files)


def test_the_tutor_s_files_are_not_taken_for_the_student_s(tmp_path, narrow):
    paths = tmp_path / "warp.pth", tmp_path / "gen.pth"
    save_official(net_of("tutor"), *paths)
    match = rf"{paths[0]}: cond_features.encoders.0.0.block.0.weight has shape \(45,\)"
    with pytest.raises(CheckpointError, match=match):
        load_official(*paths, role="student")


def test_an_unknown_role_is_refused_with_the_known_ones(files):
    with pytest.raises(ValueError, match=r"role \(='teacher'\) must be one of \['student', 'tutor'\]"):
        load_official(*files, role="teacher")


@pytest.mark.parametrize("form", [LEGACY, ZIP])
@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.6, 0.99])
def test_a_truncated_file_is_named_wherever_it_ends(files, form, share):
    stream = io.BytesIO()
    torch.save(net_of("student").warp.state_dict(), stream, _use_new_zipfile_serialization=form)
    whole = stream.getvalue()
    files[0].write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match=str(files[0])):
        load_official(*files)


@pytest.mark.parametrize("tail", range(1, 12))
def test_a_legacy_file_that_ends_within_a_number_is_named(files, tail):
    stream = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, stream, _use_new_zipfile_serialization=LEGACY)
    files[0].write_bytes(stream.getvalue()[:-tail])
    with pytest.raises(CheckpointError, match=str(files[0])):
        load_official(*files)


class Trap:
    """A pickle that writes a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "code ran")


@pytest.mark.parametrize("form", [LEGACY, ZIP])
def test_a_pickle_that_carries_code_is_refused_and_the_code_does_not_run(files, tmp_path, form):
    sprung = tmp_path / "sprung"
    torch.save({"weights": Trap(sprung)}, files[1], _use_new_zipfile_serialization=form)
    with pytest.raises(CheckpointError, match=rf"{files[1]}: refused, it holds more than tensors"):
        load_official(*files)
    assert not sprung.exists()
    torch.load(files[1], weights_only=False)  # the trap is a real one
    assert sprung.exists()


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"epoch": 3, "model": {}}, torch.zeros(2)])
def test_a_file_without_a_state_dict_is_refused(files, content):
    torch.save(content, files[0])
    with pytest.raises(CheckpointError, match=rf"{files[0]}: expected a state_dict"):
        load_official(*files)
