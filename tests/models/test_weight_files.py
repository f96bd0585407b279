"""Weight files as other people's scripts write them: loaded where that is harmless, else named for what they are."""

from functools import partial

import pytest
import torch
from odd_widths import ODD, net_of, same

from vtryon.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from vtryon.models import checkpoint
from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import load_net, load_official, save_official, start_from
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.weight_files import COUNTERS, CheckpointError, read_pth

ADVICE = "weights_only"  # torch's, to switch off what protects


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The released layout with thin layers."""
    monkeypatch.setattr(checkpoint, "AFWM", partial(AFWM, **ODD))
    monkeypatch.setattr(checkpoint, "ResUnetGenerator", partial(ResUnetGenerator, ngf=3))
    paths = tmp_path / "warp_model_final.pth", tmp_path / "gen_model_final.pth"
    save_official(net_of("student"), *paths)
    return paths


def prefixed(weights, prefix):
    return {f"{prefix}{key}": value for key, value in weights.items()}


OTHERS = {
    "DataParallel": lambda weights: prefixed(weights, "module."),
    "torch.compile": lambda weights: prefixed(weights, "_orig_mod."),
    "both": lambda weights: prefixed(weights, "module._orig_mod."),
    "a training script's": lambda weights: {
        "epoch": 3,
        "model": weights,
        "optimizer": {"state": {}, "param_groups": []},
    },
    "Lightning": lambda weights: {
        "state_dict": prefixed(weights, "net.") | {"loss.vgg.0.weight": torch.ones(2)},
        "pytorch-lightning_version": "2.6.0",
        "epoch": 1,
    },
    "a wrapper that nobody knows": lambda weights: {"ema": prefixed(weights, "shadow.")},
    "old torch": lambda weights: {key: value for key, value in weights.items() if "num_batches" not in key},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_weights_wrapped_as_others_wrap_them_are_the_same_weights(files, kind):
    for path in files:
        torch.save(OTHERS[kind](torch.load(path, weights_only=True)), path)
    loaded, saved = load_official(*files).state_dict(), net_of("student").state_dict()
    assert all(torch.equal(loaded[key], saved[key]) for key in saved if not key.endswith(COUNTERS))


def test_a_wrapped_file_that_lacks_a_weight_is_still_refused(files):
    weights = torch.load(files[1], weights_only=True)
    del weights["model.model.0.weight"]
    torch.save(prefixed(weights, "module."), files[1])
    with pytest.raises(CheckpointError, match=rf"{files[1]}: lacks model.model.0.weight"):
        load_official(*files)


def test_a_wrapped_file_that_holds_more_within_the_wrapper_is_still_refused(files):
    weights = torch.load(files[1], weights_only=True) | {"extra": torch.zeros(1)}
    torch.save(prefixed(weights, "module."), files[1])
    with pytest.raises(CheckpointError, match=rf"{files[1]}: holds extra, which this network has not"):
        load_official(*files)


def test_several_state_dicts_in_a_file_are_named_and_none_is_guessed(tmp_path):
    torch.save({"student": {"a": torch.zeros(1)}, "teacher": {"a": torch.ones(1)}}, tmp_path / "both.pt")
    with pytest.raises(CheckpointError, match=r"both.pt: .*holds several: student, teacher"):
        read_pth(tmp_path / "both.pt")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_whole_pickled_module_is_called_one_and_the_remedy_is_to_save_its_weights(files, legacy):
    torch.save(net_of("student").warp, files[0], _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError) as caught:
        load_official(*files)
    message = str(caught.value)
    assert "a pickled vtryon.models.afwm.AFWM" in message
    assert "torch.save(model.state_dict(), FILE)" in message
    assert ADVICE not in message


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_torchscript_program_is_called_one(tmp_path):
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"a.pt: refused, it is a TorchScript program"):
        read_pth(tmp_path / "a.pt")


def test_no_message_on_a_checkpoint_repeats_the_advice_to_run_its_code(tmp_path):
    torch.save({"hyper_parameters": net_of("student").warp}, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match="refused") as caught:
        AtomicCheckpointIO().load_checkpoint(tmp_path / "last.ckpt")
    assert ADVICE not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"), [("last.ckpt", "a checkpoint of a training"), ("warp.pth", "a PyTorch file")]
)
def test_a_pytorch_file_where_a_network_of_ours_is_needed_is_told_which_file_to_give(tmp_path, name, words):
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save({"state_dict": net_of("student").state_dict()}, folder / name)
    with pytest.raises(CheckpointError, match=rf"{name}: {words}.* give the RUN/model.safetensors"):
        load_net(folder / name)
    finished = tmp_path / "run" / "model.safetensors"
    finished.touch()
    with pytest.raises(CheckpointError, match=rf"{name}: {words}.* give {finished}"):
        load_net(folder / name)


def test_a_start_takes_a_lightning_checkpoint_of_the_same_network(tmp_path):
    begun, other = net_of("student", seed=1), net_of("student", seed=2)
    torch.save({"state_dict": prefixed(begun.state_dict(), "net.")}, tmp_path / "last.ckpt")
    start_from(other, tmp_path / "last.ckpt", take=["warp.", "generator."])
    assert same(other, begun)
