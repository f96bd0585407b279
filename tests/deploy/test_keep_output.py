"""A network that keeps part of the photo (`ResUnetGenerator(keep=True)`) deploys like any other."""

import pytest
import torch
from narrow import net_of
from quantized_nets import int8_net, pictures

from vtryon.deploy.export.exporting import export
from vtryon.deploy.export.pairs import drawn_pairs
from vtryon.deploy.jetson.exporting import export_jetson
from vtryon.deploy.runtime.opening import open_runtime
from vtryon.models.checkpoint import load_net, save_net
from vtryon.models.tryon import TryOnNet

SIZE = (64, 64)
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}


@pytest.fixture(scope="module")
def net() -> TryOnNet:
    return net_of(ngf=2, keep=True, radius=1, channels=(4, 5, 6, 7, 8), fpn_channels=4, flow_channels=(4, 4, 4))


def outputs(net, *seen):
    with torch.no_grad():
        return net(*seen)


@pytest.mark.parametrize("backend", ["torch", *SUFFIXES])
def test_every_runtime_agrees_with_torch_on_pictures_it_was_not_checked_with(net, backend, tmp_path):
    source = net
    if backend in SUFFIXES:
        source = tmp_path / f"net{SUFFIXES[backend]}"
        assert export(net, source, SIZE)["checks"]["against_torch"]["image_max"] <= 1e-4
    seen = pictures(5)
    image = open_runtime(source, backend, size=SIZE)(*seen).image
    assert (image - outputs(net, *seen).image).abs().max() < 1e-4


def test_the_jetson_file_agrees_in_single_precision_and_nearly_in_half(net, tmp_path):
    report = export_jetson(net, tmp_path / "board.onnx", SIZE, "f16")
    assert report["parity_f32"]["image_max"] <= 1e-4
    assert report["drift_f16"]["coordinates_f32"]["image_max"] < 0.05
    assert report["drift_f16"]["file_in_onnxruntime"]["image_max"] < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("backend", SUFFIXES)
def test_int8_without_training_keeps_the_photo_too(net, backend, tmp_path):
    file = tmp_path / f"net{SUFFIXES[backend]}"
    checks = export(net, file, SIZE, "int8", calibration=drawn_pairs(SIZE, 4))["checks"]
    kinds = checks["convolutions"]
    if backend == "openvino":
        assert kinds["f32"] == 11
    else:  # ONNX Runtime computes in float a convolution whose result is not rounded before the next operation
        assert kinds["int8"] >= (sum(kinds.values()) - 11) // 2
    assert checks["against_torch"]["image_mean"] < 0.1


def test_learnt_int8_comes_back_from_its_file_with_its_keep_output(net, tmp_path):
    learnt = int8_net(net=net)
    assert learnt.int8_convolutions() == sum(isinstance(layer, torch.nn.Conv2d) for layer in net.modules()) - 11
    save_net(learnt, tmp_path / "int8.safetensors")
    seen = pictures(5)
    result, again = outputs(learnt, *seen), outputs(load_net(tmp_path / "int8.safetensors"), *seen)
    assert torch.equal(result.image, again.image)
    assert torch.equal(result.keep, again.keep)
    assert result.keep.shape == (1, 1, *SIZE)


@pytest.mark.slow
@pytest.mark.parametrize("backend", SUFFIXES)
def test_learnt_int8_is_exported_with_its_keep_output(net, backend, tmp_path):
    learnt, file = int8_net(net=net), tmp_path / f"net{SUFFIXES[backend]}"
    assert export(learnt, file, SIZE, "int8")["checks"]["convolutions"]["int8"] == learnt.int8_convolutions()
    seen = pictures(5)
    image = open_runtime(file, backend, "int8", SIZE)(*seen).image
    assert ((image - outputs(learnt, *seen).image).abs() <= 0.05).float().mean() >= 0.99
