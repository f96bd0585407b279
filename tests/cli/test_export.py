"""`vtryon export`: a finished run in, a file and what was checked of it out."""

import json

import onnx
import pytest
from tiny_nets import student_net, tutor_net

from vtryon.cli import main
from vtryon.models.checkpoint import save_net


def leave_run(folder, net):
    save_net(net, folder / "model.safetensors")
    (folder / "row.json").write_text(json.dumps({"size": [64, 64]}))
    return folder


@pytest.mark.slow
def test_a_run_becomes_a_file_for_the_board_beside_its_report_and_runner(tmp_path, capsys):
    run = leave_run(tmp_path, student_net())
    assert main(["export", "--run", str(run), "--to", "jetson"]) == 0
    file = run / "export" / "jetson_f32.onnx"
    assert onnx.load(file).opset_import[0].version <= 13
    assert json.loads(file.with_suffix(".json").read_text())["parity_f32"]["flow_max_px"] <= 0.01
    assert (file.parent / "jetson_runner.py").is_file()
    assert "against torch" in capsys.readouterr().out


def test_a_network_that_has_no_such_file_is_refused_and_leaves_none(tmp_path, capsys):
    run = leave_run(tmp_path, tutor_net())
    assert main(["export", "--run", str(run), "--to", "jetson"]) == 2
    assert "holds a tutor" in capsys.readouterr().err
    assert not (run / "export").exists()
