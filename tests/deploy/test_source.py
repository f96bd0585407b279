"""Networks that cannot dress a photo are refused by what their run or their file says."""

import json

import pytest
from narrow import net_of

from vtryon.config.compose import composed, problems
from vtryon.deploy.source import open_net
from vtryon.models.checkpoint import CheckpointError, save_net
from vtryon.models.tryon import TutorNet


def run_of(folder, stage, net=None):
    """A finished run of this stage."""
    folder.mkdir()
    save_net(net or net_of(), folder / "model.safetensors")
    (folder / "row.json").write_text(json.dumps({"stage": stage, "size": [64, 64]}))
    return folder


@pytest.mark.parametrize(("stage", "next_stage"), [("student_warp", "student"), ("tutor_warp", "tutor")])
def test_a_run_of_the_warp_alone_is_refused_with_the_stage_after_it(tmp_path, stage, next_stage):
    with pytest.raises(CheckpointError, match=rf"stage {stage} trains the warp alone.*\({next_stage}\)"):
        open_net(run_of(tmp_path / "run", stage), device="cpu")


def test_the_file_of_such_a_run_is_refused_as_its_folder_is(tmp_path):
    run = run_of(tmp_path / "run", "student_warp")
    with pytest.raises(CheckpointError, match="stage student_warp trains the warp alone"):
        open_net(run / "model.safetensors", device="cpu")


def test_the_file_of_a_run_has_the_run_s_size(tmp_path):
    assert open_net(run_of(tmp_path / "run", "student") / "model.safetensors", device="cpu")[1] == (64, 64)


@pytest.mark.parametrize(
    ("words", "role"),
    [
        (["experiment=distill"], "teacher"),
        (["experiment=student_warp"], "tutor"),
        (["experiment=qat"], "net"),
        (["experiment=quantization_sensitivity"], "net"),
    ],
)
def test_a_network_whose_generator_never_learnt_is_no_parent_that_is_to_dress_people(tmp_path, words, role):
    net = net_of(TutorNet) if role == "tutor" else net_of()
    run = run_of(tmp_path / "run", "tutor_warp" if role == "tutor" else "student_warp", net)
    lines = problems(composed([*words, f"parents.{role}={run}/model.safetensors"]))
    assert any(line.startswith(f"parents.{role}={run}/model.safetensors: stage ") for line in lines), lines


def test_a_warp_alone_may_be_gone_on_from_and_pasted(tmp_path):
    file = run_of(tmp_path / "run", "student_warp") / "model.safetensors"
    for words in (["experiment=warp_paste", f"parents.net={file}"], ["experiment=student", f"parents.start={file}"]):
        assert not any("trains the warp alone" in line for line in problems(composed(words)))


def test_a_tutor_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="needs a parser's maps of the person"):
        open_net(run_of(tmp_path / "run", "tutor", net_of(TutorNet)), device="cpu")


def test_a_weight_file_with_its_card_is_a_network_too(tmp_path):
    run = run_of(tmp_path / "run", "student")
    (run / "model.safetensors").rename(tmp_path / "dense.safetensors")
    (run / "row.json").rename(tmp_path / "dense.json")
    net, size = open_net(tmp_path / "dense.safetensors", device="cpu")
    assert size == (64, 64)
    assert not net.training
