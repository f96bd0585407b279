"""One call for every runtime: what it says is what the network says, and what does not go together is refused."""

import os
import subprocess
import sys
from pathlib import Path

import openvino
import pytest
import torch
from narrow import inputs_of, net_of

from vtryon.deploy.runtime.opening import open_runtime
from vtryon.deploy.runtime.openvino_core import core
from vtryon.deploy.runtime.openvino_graph import openvino_graph
from vtryon.deploy.runtime.protocol import RuntimeUnfitError
from vtryon.deploy.runtime.torch_runtime import TorchRuntime

SIZE = (64, 64)
SMALL = {"radius": 1, "channels": (4, 5, 6, 7, 8), "fpn_channels": 4, "flow_channels": (4, 4, 4)}


@pytest.fixture(scope="module")
def net():
    return net_of(ngf=2, **SMALL)


@pytest.fixture(scope="module")
def sources(net, tmp_path_factory):
    """What each backend is opened with: conversion takes seconds, so one serves all tests."""
    file = tmp_path_factory.mktemp("graphs") / "net.xml"
    openvino.save_model(openvino_graph(net, SIZE, None), file, compress_to_fp16=False)
    return {"torch": net, "onnx": net, "openvino": file}


def says(net, pictures):
    with torch.no_grad():
        answer = net(*pictures)
    return answer.image, answer.flow


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_every_backend_says_what_the_network_says_of_any_batch_up_to_its_own(net, sources, backend):
    runtime = open_runtime(sources[backend], backend, size=SIZE, batch=3)
    for count in (1, 2, 3):
        pictures = inputs_of(net, seed=4, count=count)
        answer, (image, flow) = runtime(*pictures), says(net, pictures)
        assert answer.image.shape == image.shape
        assert (answer.image - image).abs().max() < 1e-4
        assert (answer.flow - flow).abs().max() < 1e-4


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_in_bf16_convolutions_are_narrow_and_coordinates_are_not(net, sources, backend):
    pictures = inputs_of(net, seed=5)
    runtime = open_runtime(sources[backend], backend, "bf16", SIZE)
    flow = says(net, pictures)[1]
    apart = (runtime(*pictures).flow - flow).abs() * (SIZE[0] - 1) / 2
    assert 0 < apart.mean() < 0.02  # pixels; the grid itself in bf16 is off by 0.06 and more
    if backend == "torch" or "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        assert set(runtime.convolutions()) == {"bf16"}


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_batches_come_back_in_their_order_whatever_the_streams(net, sources, backend):
    batches = [inputs_of(net, seed=seed, count=1 + seed % 2) for seed in range(7)]
    streams = 1 if backend == "torch" else 2
    runtime = open_runtime(sources[backend], backend, "f32", SIZE, batch=2, streams=streams)
    answers = list(runtime.stream(iter(batches)))
    assert len(answers) == len(batches)
    for batch, answer in zip(batches, answers, strict=True):
        assert (answer.image - says(net, batch)[0]).abs().max() < 1e-4


def test_opening_a_network_for_torch_leaves_the_network_itself_as_it_was(net):
    before = {key: value.clone() for key, value in net.state_dict().items()}
    TorchRuntime(net, "bf16")(*inputs_of(net))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert says(net, inputs_of(net))[0].dtype == torch.float32


def test_more_pictures_than_the_runtime_was_opened_for_are_refused(net, sources):
    runtime = open_runtime(sources["openvino"], "openvino", size=SIZE)
    with pytest.raises(ValueError, match="2 pictures, and the runtime was opened for batches of 1"):
        runtime(*inputs_of(net, count=2))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"backend": "tensorflow"}, "backend='tensorflow' must be one of"),
        ({"precision": "int4"}, "precision='int4' must be one of"),
        ({"backend": "onnx", "precision": "bf16"}, "take openvino or torch"),
        ({"backend": "openvino", "precision": "int8"}, "vtryon export --run DIR --precision int8"),
        ({"backend": "torch", "streams": 2}, "streams=2 with backend='torch'"),
        ({"backend": "openvino", "streams": 0}, "streams=0"),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_would(net, arguments, reason):
    with pytest.raises(RuntimeUnfitError, match=reason):
        open_runtime(net, **arguments)


@pytest.mark.parametrize(
    ("name", "backend", "reason"),
    [
        ("a.onnx", "openvino", "backend='openvino' reads .xml"),
        ("a.xml", "torch", "backend='torch' reads a network"),
        ("a.xml", "openvino", "no such file; make it with: vtryon export --run DIR --to openvino"),
    ],
)
def test_a_file_is_opened_by_the_runtime_it_was_made_for(name, backend, reason):
    with pytest.raises(RuntimeUnfitError, match=reason):
        open_runtime(Path(name), backend)


COMPILED = """
import torch
from narrow import inputs_of, net_of
from vtryon.deploy.runtime.opening import open_runtime
net = net_of(ngf=2, radius=1, channels=(4, 5, 6, 7, 8), fpn_channels=4, flow_channels=(4, 4, 4))
pictures = inputs_of(net, seed=4)
with torch.no_grad():
    wanted = net(*pictures).image
print(float((open_runtime(net, "compile", size=(64, 64))(*pictures).image - wanted).abs().max()))
"""


@pytest.mark.nightly  # compiles for a minute
def test_the_compiled_network_says_the_same():
    """In a process of its own: what tests wrap around every function cannot be compiled."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", COMPILED],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout.split()[-1]) < 1e-4
