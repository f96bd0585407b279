"""Weights beside their cards: published from a run in float16, found by name, the default one first."""

import json

import pytest
import torch
from narrow import inputs_of, net_of

from vtryon.deploy.weights import WeightsMissingError, available, find, table
from vtryon.models.checkpoint import load_net, save_net
from vtryon.runs.publish import publish


@pytest.fixture
def run(tmp_path):
    """A finished run of a narrow student."""
    folder = tmp_path / "run"
    folder.mkdir()
    save_net(net_of(), folder / "model.safetensors")
    row = {"stage": "student", "commit": "c0ffee", "steps": 7, "scores": {"paired/ssim": 0.875}, "cost": {"gmacs": 1.5}}
    (folder / "row.json").write_text(json.dumps(row | {"protocol": {"name": "viton-clean-416 unpaired 256x192"}}))
    return folder


def test_published_weights_answer_as_the_run_does_and_take_half_the_bytes(run, tmp_path):
    weights = publish(run, "dense", "drawn people", folder=tmp_path / "weights")
    net, published = load_net(run / "model.safetensors"), load_net(weights.path)
    with torch.no_grad():
        difference = net(*inputs_of(net)).image - published(*inputs_of(net)).image
    assert difference.abs().mean() < 1e-3
    assert weights.path.stat().st_size < 0.65 * (run / "model.safetensors").stat().st_size


def test_a_published_int8_network_says_the_same_and_what_it_learnt_from(run, tmp_path):
    pytest.importorskip("neural_compressor")
    from quantized_nets import int8_net, pictures

    net = int8_net()
    net.trained_on = {"name": "data", "fingerprint": "c0ffee"}
    save_net(net, run / "model.safetensors")
    published = load_net(publish(run, "int8", "drawn people", folder=tmp_path / "weights").path)
    assert torch.equal(published(*pictures()).image, net(*pictures()).image)
    assert published.trained_on == {"name": "drawn people", "fingerprint": "c0ffee"}


def test_the_card_says_what_was_learnt_from_by_which_commit_with_which_scores(run, tmp_path):
    publish(run, "dense", "drawn people", folder=tmp_path)
    card = json.loads((tmp_path / "dense.json").read_text())
    assert card["learnt_from"] == "drawn people"
    assert (card["commit"], card["steps"], card["scores"]) == ("c0ffee", 7, {"paired/ssim": 0.875})
    assert card["protocol"] == "viton-clean-416 unpaired 256x192"


def test_the_default_comes_first_and_others_by_name(run, tmp_path):
    publish(run, "a", "drawn people", folder=tmp_path)
    publish(run, "b", "drawn people", default=True, folder=tmp_path)
    assert [entry.path.stem for entry in available(tmp_path)] == ["b", "a"]
    assert find(folder=tmp_path).path.stem == "b"
    assert find("a", tmp_path).path.stem == "a"
    assert "b (default)" in table(available(tmp_path))


def test_a_missing_name_says_what_there_is(run, tmp_path):
    with pytest.raises(WeightsMissingError, match="holds no weights; a wheel has none"):
        find(folder=tmp_path / "none")
    publish(run, "a", "drawn people", folder=tmp_path)
    with pytest.raises(WeightsMissingError, match=r"weights c: no such file in .*; there are a"):
        find("c", tmp_path)


def test_a_run_without_a_network_is_refused(tmp_path):
    with pytest.raises(WeightsMissingError, match=r"model.safetensors: no such file; give the folder"):
        publish(tmp_path, "a", "drawn people", folder=tmp_path / "weights")
