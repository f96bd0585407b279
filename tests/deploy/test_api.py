"""The package in two calls, and without torch until then."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tiny_nets import student_net, tutor_net

import vtryon
from vtryon.deploy import api
from vtryon.deploy.weights import Weights
from vtryon.models.checkpoint import save_net

GREY = np.full((90, 60, 3), 90, np.uint8)


def shirt() -> np.ndarray:
    picture = np.full((80, 60, 3), 255, np.uint8)
    picture[20:60, 15:45] = (200, 30, 30)
    return picture


@pytest.fixture
def run(tmp_path):
    save_net(student_net(), tmp_path / "demo" / "student" / "model.safetensors")
    (tmp_path / "demo" / "student" / "row.json").write_text(json.dumps({"size": [64, 64]}))
    return tmp_path / "demo" / "student"


def test_a_run_and_its_file_are_the_same_network(run):
    by_run, by_file = vtryon.load(run), vtryon.load(run / "model.safetensors")
    assert by_run.trained_size == by_file.trained_size == (64, 64)
    assert not by_run.training


def test_pictures_may_be_files_images_or_arrays(run, tmp_path):
    net = vtryon.load(run)
    Image.fromarray(GREY).save(tmp_path / "person.png")
    results = [vtryon.try_on(person, shirt(), net) for person in (GREY, Image.fromarray(GREY), tmp_path / "person.png")]
    assert all(result.size == (60, 90) for result in results)
    assert all(np.array_equal(result, results[0]) for result in results)


def test_without_a_network_the_default_weights_are_taken(run, monkeypatch):
    net = Weights(run / "model.safetensors", {"default": True})
    monkeypatch.setattr(api, "available", lambda: [net])
    assert np.array_equal(vtryon.try_on(GREY, shirt()), vtryon.try_on(GREY, shirt(), run))


def test_without_any_weights_the_demo_s_student_is_taken(run, monkeypatch):
    monkeypatch.setattr(api, "available", list)
    monkeypatch.setenv("VTRYON_RUNS", str(run.parents[1]))
    assert np.array_equal(vtryon.try_on(GREY, shirt()), vtryon.try_on(GREY, shirt(), run))
    monkeypatch.setenv("VTRYON_RUNS", str(run))
    with pytest.raises(ValueError, match="vtryon demo"):
        vtryon.try_on(GREY, shirt())


def test_a_tutor_is_refused(tmp_path):
    save_net(tutor_net(), tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="needs a parser's maps"):
        vtryon.try_on(GREY, shirt(), tmp_path)


def test_a_run_of_the_warp_alone_is_loaded_and_dresses_nobody(run):
    (run / "row.json").write_text(json.dumps({"size": [64, 64], "stage": "student_warp"}))
    for given in (run, run / "model.safetensors", vtryon.load(run)):
        with pytest.raises(ValueError, match=r"stage student_warp trains the warp alone.*\(student\)"):
            vtryon.try_on(GREY, shirt(), given)


def test_the_package_is_imported_without_torch():
    code = (
        "import sys, vtryon, vtryon.models; assert 'torch' not in sys.modules; "
        "from vtryon.models import AFWM, ResUnetGenerator, TryOnNet; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
