"""`vtryon export` to ONNX and OpenVINO: files that say what the network says, with the card of what they hold."""

import json

import onnx
import pytest
import torch
from narrow import inputs_of, net_of
from quantised import int8_net, pictures
from tiny_nets import tutor_net

from vtryon.cli import main
from vtryon.compression.pruning import Pruning
from vtryon.data.synthetic.embedded import draw
from vtryon.deploy import export as exporting
from vtryon.deploy.calibration import calibration_pairs
from vtryon.deploy.export import export
from vtryon.deploy.onnx_int8 import quantise_onnx
from vtryon.deploy.openvino_core import core
from vtryon.deploy.parity import drawn_pairs
from vtryon.deploy.runtime import open_runtime
from vtryon.nn.checkpoint import save_net

SIZE = (64, 64)
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}
SMALL = {"radius": 1, "channels": (4, 5, 6, 7, 8), "fpn_channels": 4, "flow_channels": (4, 4, 4)}


@pytest.fixture(scope="module")
def net():
    return net_of(ngf=2, **SMALL)


@pytest.fixture
def run(net, tmp_path):
    save_net(net, tmp_path / "model.safetensors")
    (tmp_path / "row.json").write_text(
        json.dumps({"name": "narrow", "size": list(SIZE), "scores": {"paired/ssim": 0.5}})
    )
    return tmp_path


def files_of(net, folder, *precisions):
    """A folder with a file of each precision and target, and what was checked of each."""
    save_net(net, folder / "model.safetensors")
    (folder / "row.json").write_text(json.dumps({"scores": {"paired/ssim": 0.5}}))
    few = drawn_pairs(SIZE, 4)
    reports = {
        (target, precision): export(
            *(net, folder / f"{precision}{suffix}", SIZE, precision),
            calibration=few if precision == "int8" else None,
            run=folder,
        )["checks"]
        for target, suffix in SUFFIXES.items()
        for precision in precisions
    }
    return folder, reports


@pytest.fixture(scope="module")
def exported(net, tmp_path_factory):
    return files_of(net, tmp_path_factory.mktemp("exported"), "f32")


@pytest.fixture(scope="module")
def narrow(net, tmp_path_factory):
    return files_of(net, tmp_path_factory.mktemp("narrow"), "f32", "f16", "int8")


@pytest.mark.parametrize("target", SUFFIXES)
def test_a_file_says_what_the_network_says_and_was_checked_before_it_was_there(net, exported, target):
    folder, reports = exported
    file, checks = folder / f"f32{SUFFIXES[target]}", reports[target, "f32"]
    assert checks["against_torch"]["image_max"] <= 1e-4
    seen = inputs_of(net, seed=9, count=2)
    answer = open_runtime(file, target, size=SIZE, batch=2)(*seen)
    with torch.no_grad():
        assert (answer.image - net(*seen).image).abs().max() < 1e-4


def test_a_file_of_a_fixed_batch_takes_fewer_pictures(net, tmp_path):
    export(net, tmp_path / "net.onnx", SIZE, batch=2)
    seen = inputs_of(net, seed=9)
    answer = open_runtime(tmp_path / "net.onnx", "onnx", size=SIZE)(*seen)
    with torch.no_grad():
        assert (answer.image - net(*seen).image).abs().max() < 1e-4


def test_the_card_lies_beside_the_file_and_travels_inside_it(exported):
    folder, reports = exported
    inside = [
        next(each.value for each in onnx.load(folder / "f32.onnx").metadata_props if each.key == "vtryon"),
        core().read_model(folder / "f32.xml").get_rt_info(["vtryon", "card"]).astype(str),
    ]
    beside = json.loads((folder / "f32.json").read_text())
    assert beside["checks"] == reports["openvino", "f32"]  # the last to be written
    for card in (*map(json.loads, inside), beside["card"]):
        assert card["training"]["scores"] == {"paired/ssim": 0.5}
        assert card["inputs"]["cloth_edge"]["shape"] == ["any", 1, 64, 64]
        assert "non-commercial" in card["licence"]


@pytest.mark.slow
@pytest.mark.parametrize(("target", "weights"), [("onnx", ".onnx"), ("openvino", ".bin")])
def test_f16_halves_the_weights_and_changes_little_else(narrow, target, weights):
    folder, reports = narrow
    wide, half = reports[target, "f32"], reports[target, "f16"]
    assert wide["convolutions"] == half["convolutions"] == {"f32": sum(wide["convolutions"].values())}
    assert 1e-6 < half["against_torch"]["image_max"] < 0.05
    sizes = [(folder / f"{kind}{weights}").stat().st_size for kind in ("f16", "f32")]
    assert sizes[0] < sizes[1]


@pytest.mark.slow
@pytest.mark.parametrize("target", SUFFIXES)
def test_int8_convolutions_run_as_int8_but_for_most_of_the_flow_network(net, narrow, target):
    folder, reports = narrow
    checks = reports[target, "int8"]
    kinds = checks["convolutions"]
    assert sum(kinds.values()) == sum(isinstance(layer, torch.nn.Conv2d) for layer in net.modules())
    kept = sum(isinstance(layer, torch.nn.Conv2d) for layer in net.warp.aflow_net.modules())
    kept -= len(net.warp.aflow_net.netRefine)  # of each refining head the first and widest is int8
    assert kinds["f32"] >= kept
    assert kinds["int8"] >= (sum(kinds.values()) - kept) // 2
    assert checks["against_torch"]["ssim"] > 0.7
    runtime = open_runtime(folder / f"int8{SUFFIXES[target]}", target, "int8", SIZE)
    assert runtime(*inputs_of(net)).image.shape == (1, 3, 64, 64)


@pytest.mark.slow
def test_a_pruned_network_exports_like_any_other(net, tmp_path):
    slim = Pruning(ratio=0.25, round_to=1)(net_of(ngf=8), [], None)
    checks = export(slim, tmp_path / "slim.xml", SIZE)["checks"]
    assert checks["against_torch"]["image_max"] <= 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("target", SUFFIXES)
def test_a_network_that_learnt_int8_keeps_its_ranges_and_runs_in_int8(tmp_path, target):
    net = int8_net()
    file = tmp_path / f"net{SUFFIXES[target]}"
    checks = export(net, file, SIZE, "int8")["checks"]
    assert checks["convolutions"]["int8"] == net.int8_convolutions()
    said, wanted = (runtime(*pictures()).image for runtime in (open_runtime(file, target, "int8", SIZE), net))
    assert ((said - wanted).abs() <= 0.05).float().mean() >= 0.99
    assert open_runtime(net, "torch", "int8").convolutions()["int8"] == net.int8_convolutions()
    with pytest.raises(ValueError, match="net was trained in int8"):
        export(net, file, SIZE, "f32")


def test_a_graph_that_says_something_else_leaves_no_file(net, tmp_path, monkeypatch):
    right = exporting.FORMATS[".onnx"]
    monkeypatch.setitem(
        exporting.FORMATS, ".onnx", lambda order, file: right(order._replace(net=net_of(ngf=4, **SMALL)), file)
    )
    with pytest.raises(ValueError, match=r"off by .* from the network's: no file written"):
        export(net, tmp_path / "net.onnx", SIZE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"path": "net.pt"}, "must end in one of"),
        ({"precision": "int4"}, "precision='int4' must be one of"),
        ({"batch": 0}, "batch=0 must be at least 1"),
        ({"precision": "int8", "calibration": []}, "calibration holds no pair"),
        ({"precision": "f32", "calibration": drawn_pairs(SIZE, 1)}, "calibration is for precision='int8'"),
    ],
)
def test_bad_arguments_are_named(net, tmp_path, change, reason):
    arguments = {"path": "net.onnx"} | change
    with pytest.raises(ValueError, match=reason):
        export(net, tmp_path / arguments.pop("path"), SIZE, **arguments)


def test_a_tutor_is_not_exported(tmp_path):
    with pytest.raises(ValueError, match="needs a parser's maps"):
        export(tutor_net(), tmp_path / "net.onnx", SIZE)


def test_quantising_without_pictures_is_refused(exported):
    with pytest.raises(ValueError, match="calibration \\(=0\\)"):
        quantise_onnx(onnx.load(exported[0] / "f32.onnx"), [])


def test_calibration_pairs_are_training_persons_in_other_garments(tmp_path):
    draw(tmp_path, 4, 2, 0, SIZE, 1)
    pairs = calibration_pairs(tmp_path, SIZE, count=3)
    assert len(pairs) == 3
    assert {tuple(each.shape) for each in pairs[0]} == {(1, 3, *SIZE), (1, 1, *SIZE)}
    assert all(set(edge.unique().tolist()) <= {0.0, 1.0} for _, _, edge in pairs)


def test_the_verb_writes_into_the_run_and_says_what_was_checked(run, capsys):
    assert main(["export", "--run", str(run), "--to", "onnx"]) == 0
    assert (run / "export" / "onnx_f32.onnx").is_file()
    said = capsys.readouterr().out
    assert "against torch" in said
    assert "convolutions" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--to", "openvino", "--out", "a.onnx"], "ends in .xml"),
        (["--to", "onnx", "--calibrate", "data"], "--calibrate is for --precision int8"),
        (["--to", "jetson", "--batch", "4"], "one picture at a time"),
        (["--to", "jetson", "--precision", "int8"], "a Nano has no int8 arithmetic"),
    ],
)
def test_the_verb_refuses_what_does_not_go_together(run, words, reason, capsys):
    assert main(["export", "--run", str(run), *words]) == 2
    assert reason in capsys.readouterr().err
