"""The page of one's own photos, code and searches, followed to the letter."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from vtryon.deploy.app.examples import draw_examples

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "guides" / "own.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.M | re.S))
pytestmark = pytest.mark.slow


def blocks(section: str, language: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", SECTIONS[section], flags=re.DOTALL))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with `vtryon` on the PATH, as its reader has it."""
    folder = tmp_path_factory.mktemp("own")
    command = folder / "bin" / "vtryon"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m vtryon "$@"\n')
    command.chmod(0o755)
    return folder


def follow(place: Path, *sections: str) -> str:
    """Do what the sections say, the code going into the file that its first line names; returns what is printed."""
    for section in sections:
        if code := blocks(section, "python"):
            name = re.match(r"# (\S+\.py)", code)[1]
            with (place / name).open("a") as file:
                file.write(code)
    script = "\n".join(["set -e", *(blocks(section, "bash") for section in sections)])
    environment = os.environ | {
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "VTRYON_CACHE": str(place / "cache"),
        "VTRYON_RUNS": str(place / "runs"),
    }
    script = script.replace("PYTHONPATH=.", f"PYTHONPATH=.:{ROOT}:{ROOT / 'hydra_plugins'}")
    done = subprocess.run(
        ["bash", "-c", script], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_photos_of_one_s_own_are_dressed(place):
    drawn = draw_examples(place, 1)
    for file, name in ((drawn.persons[0], "me.jpg"), (drawn.garments[0], "shirt.jpg")):
        with Image.open(file) as picture:
            picture.convert("RGB").save(place / name)
    (place / "pairs.txt").write_text("me.jpg shirt.jpg\n")
    follow(place, "Photos")
    with Image.open(place / "me_in_it.png") as worn:
        assert worn.size == (384, 512)
    assert len(list((place / "worn").glob("*.png"))) == 1


def test_a_callback_and_a_metric_of_one_s_own_are_run_and_reported(place):
    said = follow(place, "A callback, and any other class", "A metric")
    assert re.search(r"step 1: loss [\d.]+", said)
    (file,) = (place / "runs" / "bright").glob("row.json")
    assert json.loads(file.read_text())["scores"]["paired/brightness"] > 0
    assert "scores.paired/brightness" in (place / "bright" / "measured.csv").read_text()
    assert "brightness" in said.lower()


@pytest.mark.skipif(
    importlib.util.find_spec("hydra_plugins.hydra_optuna_sweeper") is None, reason="needs pip install -e '.[search]'"
)
def test_a_search_leaves_a_row_for_each_trial(place):
    follow(place, "A search instead of a grid")
    assert len(list((place / "runs" / "search").glob("*/row.json"))) == 3
