"""Our own weight files: the network comes back bit for bit, and a file that does not fit is named."""

import json

import pytest
import torch
from odd_widths import ODD, net_of, same
from safetensors import safe_open
from safetensors.torch import save_file

from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import CheckpointError, load_net, save_net, start_from
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet


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


def test_a_file_tells_what_its_network_was_trained_on_and_files_that_do_not_still_load(tmp_path):
    net = net_of("student")
    save_net(net, tmp_path / "before.safetensors")
    assert load_net(tmp_path / "before.safetensors").trained_on is None
    net.trained_on = {"name": "VITON", "fingerprint": "0123456789abcdef"}
    save_net(net, tmp_path / "net.safetensors")
    assert load_net(tmp_path / "net.safetensors").trained_on == net.trained_on
    with safe_open(tmp_path / "before.safetensors", framework="pt") as file:
        assert list(file.metadata()) == ["vtryon"]


def test_a_header_with_broken_data_is_named(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", metadata={"vtryon": "{}", "data": "[]"})
    with pytest.raises(CheckpointError, match=r"its header's data \(=\[\]\) must be a name and a fingerprint"):
        load_net(tmp_path / "a.safetensors")


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


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named_when_they_are_loaded(tmp_path, value):
    net = net_of("student")
    net.warp.cond_FPN.smooth[0].weight.data[0, 0, 0, 0] = value
    save_net(net, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"warp\.cond_FPN\.smooth\.0\.weight holds NaN or infinity"):
        load_net(tmp_path / "model.safetensors")
