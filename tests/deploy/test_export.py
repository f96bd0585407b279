"""`vtryon export` to ONNX and OpenVINO: files that say what the network says, with the card of what they hold."""

import json

import onnx
import pytest
import torch
from narrow import inputs_of, net_of
from quantized_nets import int8_net, pictures
from tiny_nets import tutor_net

from vtryon.cli import main
from vtryon.compression.pruning import Pruning
from vtryon.data.datamodule import VitonDataModule
from vtryon.data.files.fingerprint import described
from vtryon.data.synthetic.embedded import draw
from vtryon.deploy.export import exporting
from vtryon.deploy.export.exporting import export
from vtryon.deploy.export.known_data import known_pairs
from vtryon.deploy.export.pairs import drawn_pairs
from vtryon.deploy.runtime.opening import open_runtime
from vtryon.deploy.runtime.openvino_core import core
from vtryon.models.checkpoint import save_net

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
    beside = [json.loads((folder / f"f32.{suffix}.json").read_text()) for suffix in ("onnx", "xml")]
    assert [each["checks"] for each in beside] == [reports[target, "f32"] for target in ("onnx", "openvino")]
    for card in (*map(json.loads, inside), *(each["card"] for each in beside)):
        assert card["training"]["scores"] == {"paired/ssim": 0.5}
        assert card["inputs"]["cloth_edge"]["shape"] == ["any", 1, 64, 64]
        assert "non-commercial" in card["licence"]


@pytest.mark.nightly
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
def test_int8_convolutions_run_as_int8_but_for_the_outputs_of_heads_and_generator(net, narrow, target):
    folder, reports = narrow
    checks = reports[target, "int8"]
    kinds = checks["convolutions"]
    assert sum(kinds.values()) == sum(isinstance(layer, torch.nn.Conv2d) for layer in net.modules())
    outputs = sum(map(len, net.output_layers().values()))
    if target == "openvino":
        assert kinds["f32"] == outputs
    else:  # ONNX Runtime computes in float a convolution whose result is not rounded before the next operation
        assert kinds["int8"] >= (sum(kinds.values()) - outputs) // 2
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
def test_a_network_of_another_structure_exports_like_any_other(tmp_path, target):
    net = net_of(ngf=2, **SMALL, flow_levels=4, shared=True, separable=True)
    checks = export(net, tmp_path / f"net{SUFFIXES[target]}", SIZE)["checks"]
    assert checks["against_torch"]["image_max"] <= 1e-4


@pytest.mark.nightly
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


def test_int8_learns_from_training_persons_and_is_judged_on_the_test_list(net, tmp_path):
    draw(tmp_path, 6, 3, 0, SIZE, 1)
    known = known_pairs(net, SIZE, folder=tmp_path)
    assert (len(known.calibration), len(known.judged.pairs)) == (6, 3)
    assert {tuple(each.shape) for each in known.calibration[0]} == {(1, 3, *SIZE), (1, 1, *SIZE)}
    assert all(set(edge.unique().tolist()) <= {0.0, 1.0} for _, _, edge in known.calibration)
    listed = (tmp_path / "VITON_test/test_pairs.txt").read_text().replace(".jpg", "").split("\n")
    assert known.judged.names == [line.replace(" ", " in ") for line in listed if line]


@pytest.mark.parametrize(("train", "test"), [(8, 0), (0, 8)])
def test_of_a_folder_with_one_split_no_pair_is_both_learnt_from_and_judged_by(net, tmp_path, train, test):
    draw(tmp_path, train, test, 0, SIZE, 1)
    known = known_pairs(net, SIZE, folder=tmp_path)
    learnt = {pair[0].numpy().tobytes() for pair in known.calibration}
    judged = {pair[0].numpy().tobytes() for pair in known.judged.pairs}
    assert learnt
    assert judged
    assert not learnt & judged


@pytest.fixture
def trained(net, tmp_path):
    """A run that names the folder of its data, and that folder."""
    data, run = tmp_path / "data", tmp_path / "run"
    draw(data, 6, 3, 0, SIZE, 1)
    run.mkdir()
    net = net_of(ngf=2, **SMALL)
    net.trained_on = described(data, VitonDataModule(data, SIZE, val_size=0).fingerprint()) | {"name": "my photos"}
    save_net(net, run / "model.safetensors")
    (run / "row.json").write_text(json.dumps({"size": list(SIZE)}))
    (run / "config.yaml").write_text(json.dumps({"data": {"_target_": "x", "root": str(data), "val_size": 2}}))
    return net, run, data


@pytest.mark.slow
@pytest.mark.parametrize("target", SUFFIXES)
def test_int8_is_judged_on_the_data_of_the_run_and_the_worst_pair_is_told(trained, capsys, target):
    _, run, data = trained
    assert main(["export", "--run", str(run), "--to", target, "--precision", "int8"]) == 0
    said = capsys.readouterr().out
    assert f"judged on 3 pairs of {data} (the data that the network was trained on)" in said
    (card,) = (run / "export").glob("*.json")
    told = json.loads(card.read_text())["checks"]["against_torch"]
    assert told["ssim_worst"] < told["ssim"] < 1
    assert f"{told['ssim_worst']:.4f} at worst ({told['worst_pair']})" in said
    assert told["worst_pair"] in known_pairs(trained[0], SIZE, run).judged.names


def test_other_data_than_the_network_was_trained_on_is_said_to_be_that(trained, tmp_path):
    net, run, data = trained
    draw(tmp_path / "other", 6, 3, 1, SIZE, 1)
    assert "not the data that the network was trained on, my photos" in (
        known_pairs(net, SIZE, run, folder=tmp_path / "other").judged.source
    )
    data.rename(tmp_path / "moved")
    gone = known_pairs(net, SIZE, run)
    assert f"procedural pictures, as {data}, which the network was trained on, is not there" in gone.judged.source
    assert "--calibrate ROOT" in gone.judged.source
    found = known_pairs(net, SIZE, run, folder=tmp_path / "moved")
    assert "(the data that the network was trained on)" in found.judged.source
    with pytest.raises(FileNotFoundError, match="no such folder; --calibrate wants one"):
        known_pairs(net, SIZE, run, folder=data)


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
