"""Weight files: the released layout in both formats, our own, and an error with file and key for all that is wrong."""

import io
import json
import zlib
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vtryon.nn import checkpoint
from vtryon.nn.afwm import AFWM
from vtryon.nn.checkpoint import (
    CheckpointError,
    load_net,
    load_official,
    save_net,
    save_official,
    start_from,
)
from vtryon.nn.generator import ResUnetGenerator
from vtryon.nn.tryon import TryOnNet, TutorNet

GOLDEN = Path(__file__).parents[1] / "golden"
ODD = {
    "channels": (5, 9, 7, 6, 4),
    "fpn_channels": 6,
    "flow_channels": (7, 5, 3),
    "radius": 2,
}
LEGACY, ZIP = False, True


def net_of(role: str, seed: int = 0) -> TryOnNet:
    torch.manual_seed(seed)
    build, cond, painted = {"student": (TryOnNet, 3, 7), "tutor": (TutorNet, 45, 8)}[role]
    net = build(AFWM(cond, **ODD), ResUnetGenerator(painted, ngf=3))
    for name, value in net.named_buffers():  # untouched statistics would hide a mix-up
        value.copy_(torch.rand(value.shape) + 0.5 if value.is_floating_point() else torch.tensor(len(name)))
    return net


def same(net, other) -> bool:
    mine, theirs = net.state_dict(), other.state_dict()
    return list(mine) == list(theirs) and all(torch.equal(mine[key], theirs[key]) for key in mine)


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
def test_a_file_that_is_no_bare_state_dict_is_refused(files, content):
    torch.save(content, files[0])
    with pytest.raises(CheckpointError, match=rf"{files[0]}: expected a bare state_dict"):
        load_official(*files)


@pytest.mark.parametrize("role", ["student", "tutor"])
def test_our_own_file_gives_the_network_back_bit_for_bit_without_being_told_its_widths(tmp_path, role):
    net, path = net_of(role).train(), tmp_path / "model.safetensors"
    save_net(net, path)
    loaded = load_net(path)
    assert type(loaded) is type(net)
    assert same(loaded, net)
    assert loaded.warp.architecture == net.warp.architecture
    assert net.training, "saving must not change the network's mode"
    assert not loaded.training


def test_loaded_network_answers_as_the_saved_one(tmp_path):
    net = net_of("student").eval()
    save_net(net, tmp_path / "model.safetensors")
    inputs = (
        torch.rand(1, 3, 32, 64),
        torch.rand(1, 3, 32, 64),
        torch.ones(1, 1, 32, 64),
    )
    with torch.no_grad():
        answer, again = net(*inputs), load_net(tmp_path / "model.safetensors")(*inputs)
    assert torch.equal(answer.image, again.image)
    assert answer.image.std() > 0.01


def test_our_file_is_plain_safetensors_that_names_its_architecture(tmp_path):
    save_net(net_of("tutor"), tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        header = json.loads(file.metadata()["vtryon"])
    assert header["network"] == "TutorNet"
    assert header["warp"]["channels"] == [5, 9, 7, 6, 4]
    assert header["generator"]["ngf"] == 3


@pytest.mark.parametrize("header", [None, {"other": "x"}, {"vtryon": "{broken"}])
def test_safetensors_of_others_are_refused(tmp_path, header):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", metadata=header)
    with pytest.raises(
        CheckpointError,
        match=r"a\.safetensors: its header names no vtryon architecture",
    ):
        load_net(tmp_path / "a.safetensors")


def test_an_architecture_that_nobody_knows_is_refused(tmp_path):
    header = {"network": "TryOnNet", "warp": {"depth": 3}, "generator": {}}
    save_file(
        {"a": torch.zeros(1)},
        tmp_path / "a.safetensors",
        metadata={"vtryon": json.dumps(header)},
    )
    with pytest.raises(CheckpointError, match=r"a\.safetensors: its architecture .*depth"):
        load_net(tmp_path / "a.safetensors")


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_truncated_file_of_ours_is_named(tmp_path, keep):
    path = tmp_path / "model.safetensors"
    save_net(net_of("student"), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=rf"{path}: not a readable safetensors file"):
        load_net(path)


def test_a_start_takes_what_is_asked_leaves_what_is_named_and_changes_nothing_else(
    tmp_path,
):
    tutor, student = net_of("tutor", seed=1), net_of("student", seed=2)
    before = {key: value.clone() for key, value in student.state_dict().items()}
    save_net(tutor, tmp_path / "tutor.safetensors")
    start_from(
        student,
        tmp_path / "tutor.safetensors",
        take=["warp."],
        leave=["cond_", "aflow_net.netRefine"],
    )
    handed, after = tutor.state_dict(), student.state_dict()
    for key in after:
        taken = key.startswith(("warp.image_", "warp.aflow_net.netMain"))
        assert torch.equal(after[key], handed[key] if taken else before[key]), key


@pytest.mark.parametrize(
    ("take", "widths", "match"),
    [
        (["wrap."], ODD, r"take \(=\['wrap.'\]\) and leave \(=\[\]\) choose no weight"),
        (
            ["warp.cond_"],
            ODD,
            r"t\.safetensors: warp.cond_features.encoders.0.0.block.0.* has shape \(45,",
        ),
        (
            ["warp.image_FPN"],
            ODD | {"fpn_channels": 7},
            r"t\.safetensors: warp.image_FPN.* the widths must be those",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_refused_and_leaves_the_network_as_it_was(tmp_path, take, widths, match):
    save_net(net_of("tutor"), tmp_path / "t.safetensors")
    net = TryOnNet(AFWM(3, **widths), ResUnetGenerator(7, ngf=3))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    with pytest.raises(CheckpointError, match=match):
        start_from(net, tmp_path / "t.safetensors", take)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
