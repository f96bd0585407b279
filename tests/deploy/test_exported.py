"""An exported file dresses people by itself: without torch, as the network did."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from narrow import net_of
from quantized_nets import pictures

from vtryon.cli import main
from vtryon.deploy.export.exporting import export
from vtryon.deploy.export.pairs import drawn_pairs
from vtryon.deploy.exported import open_exported
from vtryon.deploy.photo import read_photo, write_photo
from vtryon.deploy.runtime.opening import open_runtime
from vtryon.models.checkpoint import save_net

SIZE = (64, 64)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An f32 and an int8 export of a narrow network, and a person and a garment."""
    folder, net = tmp_path_factory.mktemp("exported"), net_of()
    net.trained_on = {"name": "drawn people", "fingerprint": "01ab"}
    export(net, folder / "f32.xml", SIZE)
    export(net, folder / "int8.xml", SIZE, "int8", calibration=drawn_pairs(SIZE, 4))
    draw = np.random.default_rng(0)
    write_photo(folder / "me.png", draw.integers(0, 256, (96, 64, 3)).astype(np.uint8))
    garment = np.full((80, 60, 3), 255, np.uint8)
    garment[20:60, 15:45] = (200, 20, 30)
    write_photo(folder / "shirt.png", garment)
    return folder


def dressed(folder, *words):
    return ["tryon", "--person", str(folder / "me.png"), "--cloth", str(folder / "shirt.png"), *map(str, words)]


@pytest.mark.parametrize("name", ["f32", "int8"])
def test_arrays_get_the_answers_that_tensors_get(files, name):
    file = files / f"{name}.xml"
    wanted = open_runtime(file, "openvino", name, SIZE, batch=2)(*pictures(count=2))
    exported = open_exported(file, name, batch=2, threads=torch.get_num_threads())
    arrays = tuple(tensor.numpy() for tensor in pictures(count=2))
    for answers in (exported.runtime(*arrays), *exported.runtime.stream([arrays])):
        for said, expected in zip(answers, wanted, strict=True):
            assert np.array_equal(said, expected.numpy())
    assert exported.size == SIZE
    assert exported.trained_on["fingerprint"] == "01ab"


def test_fewer_pictures_than_a_batch_are_padded_and_more_are_refused(files):
    runtime = open_exported(files / "f32.xml", batch=2).runtime
    one, three = (tuple(tensor.numpy() for tensor in pictures(count=count)) for count in (1, 3))
    assert runtime(*one).image.shape == (1, 3, *SIZE)
    with pytest.raises(ValueError, match="3 pictures, and the runtime was opened for batches of 2"):
        runtime(*three)


@pytest.mark.slow  # starts a process
def test_the_command_dresses_without_loading_torch(files):
    words = dressed(files, "--run", files / "int8.xml", "--out", files / "by_file.png")
    code = f"import sys; from vtryon.cli import main; assert main({words}) == 0; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "trained on drawn people only" in done.stderr
    assert read_photo(files / "by_file.png").image.shape == (96, 64, 3)


def test_the_command_shows_what_the_network_shows_in_openvino(files, tmp_path):
    net = net_of()
    (tmp_path / "run").mkdir()
    save_net(net, tmp_path / "run" / "model.safetensors")
    (tmp_path / "run" / "row.json").write_text(json.dumps({"size": list(SIZE)}))
    assert main(dressed(files, "--run", tmp_path / "run", "--backend", "openvino", "--out", tmp_path / "net.png")) == 0
    assert main(dressed(files, "--run", files / "f32.xml", "--out", tmp_path / "file.png")) == 0
    one, other = (read_photo(tmp_path / f"{name}.png").image for name in ("net", "file"))
    assert cv2.absdiff(one, other).max() <= 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--size", "64", "64"), "to which --size does not belong"),
        (("--backend", "onnx"), "runs in openvino on the cpu"),
        (("--device", "cuda"), "runs in openvino on the cpu"),
        (("--precision", "f16"), "precision='f16' must be one of"),
    ],
)
def test_what_an_exported_file_has_no_use_for_is_refused(files, capsys, words, reason):
    assert main(dressed(files, "--run", files / "f32.xml", "--out", files / "none.png", *words)) == 2
    assert reason in capsys.readouterr().err
    assert not (files / "none.png").exists()


def test_a_file_that_is_not_there_or_another_is_named(files, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"net\.xml: no such file; make both with: vtryon export"):
        open_exported(tmp_path / "net.xml")
    (tmp_path / "net.xml").write_bytes((files / "f32.xml").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"net\.bin: no such file"):
        open_exported(tmp_path / "net.xml")
    (tmp_path / "net.bin").write_bytes(b"")
    (tmp_path / "net.xml").write_text("<net/>")
    with pytest.raises(ValueError, match=r"net\.xml: no file of `vtryon export --to openvino`"):
        open_exported(tmp_path / "net.xml")
