"""What a user types, and what comes back: pictures, exit codes and reasons."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from vtryon.cli import main
from vtryon.deploy.in_torch import try_on
from vtryon.deploy.photo import read_photo
from vtryon.deploy.source import open_net
from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import save_net, save_official
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet, TutorNet

ONE = ("--person", "@images/a.png", "--cloth", "@cloths/red.jpg", "--out", "@out.png")
MANY = (
    "--pairs",
    "@pairs.txt",
    "--images",
    "@images",
    "--cloths",
    "@cloths",
    "--out",
    "@out",
)
RUN = ("--run", "@run", "--device", "cpu")


def small(net_class=TryOnNet):
    tutor = net_class is TutorNet
    warp = AFWM(
        45 if tutor else 3,
        channels=(4, 4, 4, 4, 4),
        fpn_channels=4,
        flow_channels=(4, 4, 4),
    )
    return net_class(warp, ResUnetGenerator(8 if tutor else 7, ngf=2)).eval()


@pytest.fixture(autouse=True)
def run(folder):
    save_net(small(), folder / "run" / "model.safetensors")
    (folder / "run" / "row.json").write_text(json.dumps({"size": [64, 64]}))


def call(folder, *words):
    return main(["tryon", *(word.replace("@", f"{folder}/") for word in words)])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_the_command_dresses_one_pair_in_any_format(folder, suffix):
    assert call(folder, *ONE[:-1], f"@out{suffix}", *RUN) == 0
    assert read_photo(folder / f"out{suffix}").image.shape == (90, 60, 3)


def test_the_command_writes_what_the_network_says(folder):
    assert (
        call(
            folder,
            "--person",
            "@images/b.png",
            *ONE[2:],
            "--edge",
            "@edges/red.png",
            *RUN,
        )
        == 0
    )
    net, size = open_net(folder / "run", device="cpu")
    cloth, edge = (
        read_photo(folder / "cloths" / "red.jpg").image,
        read_photo(folder / "edges" / "red.png").image[..., 0],
    )
    expected = try_on(net, read_photo(folder / "images" / "b.png").image, cloth, edge, size)
    assert np.array_equal(read_photo(folder / "out.png").image, expected)


def test_the_command_dresses_many_and_exits_1_with_the_list_of_failures(folder, capsys):
    (folder / "images" / "c.png").unlink()
    assert call(folder, *MANY, *RUN, "--batch", "2") == 1
    assert "c.png: no such picture" in capsys.readouterr().err
    assert len(list((folder / "out").iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((*ONE, *RUN, "--weights", "dense"), "name one network: --run or --weights"),
        ((*ONE, *RUN, "--warp", "@w.pth"), "name one network"),
        ((*ONE, "--warp", "@w.pth"), "--warp and --generator belong together"),
        (
            (*ONE, "--warp", "@w.pth", "--generator", "@g.pth"),
            "w.pth: no such weight file",
        ),
        ((*ONE, "--run", "@nowhere"), "nowhere: no such folder"),
        ((*ONE, *RUN, "--size", "100", "64"), "size=100 64"),
        ((*ONE, "--run", "@run", "--device", "toaster"), "device='toaster'"),
        ((*ONE[2:], *RUN), "one pair lacks --person"),
        ((*ONE, *RUN, "--images", "@images"), "one pair has no use for --images"),
        ((*MANY[:4], "--out", "@out", *RUN), "lacks --cloths"),
        ((*MANY, *RUN, "--edge", "@e.png"), "has no use for --edge"),
        ((*ONE, *RUN, "--edge", "@e.png"), "e.png: no such file"),
        ((*MANY, *RUN, "--edges", "@nowhere"), "nowhere: no such folder"),
        ((*ONE[:-1], "@out.txt", *RUN), "no picture format has the suffix '.txt'"),
    ],
)
def test_a_wrong_request_is_refused_with_its_reason(folder, capsys, words, reason):
    assert call(folder, *words) == 2
    assert reason in capsys.readouterr().err
    assert not (folder / "out.png").exists()


def test_a_run_that_tells_no_size_is_told_to_name_one(folder):
    (folder / "run" / "row.json").unlink()
    with pytest.raises(ValueError, match=r"row\.json.*--size"):
        open_net(folder / "run")
    assert open_net(folder / "run", size=(96, 64))[1] == (96, 64)


@pytest.mark.parametrize(
    ("trained_on", "notice"),
    [
        (None, ""),
        ({"name": "drawn people", "fingerprint": "01ab"}, "trained on drawn people only: faces will be lost"),
        ({"name": "viton", "fingerprint": "01ab"}, "trained on viton (fingerprint 01ab)"),
    ],
)
def test_the_user_is_warned_of_what_the_network_was_trained_on(folder, capsys, trained_on, notice):
    net = small()
    net.trained_on = trained_on
    save_net(net, folder / "run" / "model.safetensors")
    assert call(folder, *ONE, *RUN) == 0
    error = capsys.readouterr().err
    assert notice in error
    assert ("trained on" in error) == bool(notice)


def test_a_tutor_is_refused_because_it_needs_a_parser(folder):
    save_net(small(TutorNet), folder / "run" / "model.safetensors")
    with pytest.raises(ValueError, match="run: holds a tutor, which needs a parser"):
        open_net(folder / "run")
    save_official(small(TutorNet), folder / "w.pth", folder / "g.pth")
    with pytest.raises(ValueError, match=r"w\.pth: holds a tutor, which needs a parser"):
        open_net(warp=folder / "w.pth", generator=folder / "g.pth")


def test_released_weights_that_do_not_fit_keep_their_own_error(folder):
    save_official(small(), folder / "w.pth", folder / "g.pth")
    with pytest.raises(ValueError, match="has shape"):
        open_net(warp=folder / "w.pth", generator=folder / "g.pth")


def test_declaring_the_arguments_loads_no_torch():
    code = "import sys, vtryon.cli.tryon; assert not {'torch', 'cv2', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_released_weights_dress_a_person_at_the_published_size(folder):
    torch.manual_seed(0)
    save_official(TryOnNet(AFWM(), ResUnetGenerator()), folder / "w.pth", folder / "g.pth")
    assert call(folder, *ONE, "--warp", "@w.pth", "--generator", "@g.pth", "--device", "cpu") == 0
    assert read_photo(folder / "out.png").image.shape == (90, 60, 3)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_another_backend_dresses_the_same(folder, backend):
    for name, words in {"torch": (), backend: ("--backend", backend)}.items():
        words = (*words, "--run", "@run", "--device", "cpu")
        assert (
            call(folder, "--person", "@images/a.png", "--cloth", "@cloths/red.jpg", "--out", f"@{name}.png", *words)
            == 0
        )
    images = [read_photo(folder / f"{name}.png").image.astype(int) for name in ("torch", backend)]
    assert np.abs(images[0] - images[1]).max() <= 1  # a step of rounding


@pytest.mark.slow
def test_many_pairs_share_streams_and_come_out_as_one_by_one(folder):
    assert call(folder, *MANY, *RUN, "--backend", "onnx", "--batch", "2", "--streams", "2", "--threads", "2") == 0
    streamed = {file.name: read_photo(file).image for file in (folder / "out").iterdir()}
    assert len(streamed) == 3
    assert call(folder, *MANY[:-1], "@plain", *RUN, "--batch", "1") == 0
    for name, image in streamed.items():
        assert np.abs(image.astype(int) - read_photo(folder / "plain" / name).image).max() <= 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--backend", "tvm"), "backend='tvm' must be one of"),
        (("--backend", "openvino", "--precision", "int8"), "vtryon export --run DIR --to openvino"),
    ],
)
def test_a_backend_that_cannot_do_it_is_told(folder, words, reason, capsys):
    assert call(folder, *ONE, *RUN, *words) == 2
    assert reason in capsys.readouterr().err
