"""A row is made again from config, weights and data, and twenty alterations are each named."""

import copy
import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from vtryon.cli import main
from vtryon.config.words import ConfigError
from vtryon.runs.verify import compare, rederived, verify

pytestmark = pytest.mark.slow

ALTERED = {  # key of the row, and what is planted there
    "name": "teacher",
    "stage": "distill",
    "profile": "full",
    "seed": 7,
    "size": [256, 192],
    "config_hash": "0" * 64,
    "vtryon": "9.9.9",
    "fingerprint": "0123456789abcdef",
    "perceptual": "vgg19",
    "steps": 100_000,
    "epochs": 100,
    "protocol.pair_count": 2032,
    "parents.tutor.sha256": "0" * 64,
    "cost.params_m": 0.5,
    "cost.gmacs": 0.01,
    "cost.mib": 1.0,
    "scores.paired/ssim": 0.99,
    "scores.unpaired/fd_efficientnet": 9.92,
}


@pytest.fixture(scope="module")
def made(chain):
    run = chain / "student"
    return json.loads((run / "row.json").read_text()), rederived(run)


@pytest.fixture
def run(chain, tmp_path):
    """A copy of the student's run, free to be altered."""
    return shutil.copytree(chain / "student", tmp_path / "student")


def test_a_row_of_this_machine_can_be_made_again(made):
    row, here = made
    verdict = compare(row, here)
    assert verdict.differences == []
    assert verdict.agreeing > 30
    assert "seconds" in verdict.unchecked


@pytest.mark.parametrize("key", ALTERED)
def test_a_planted_value_is_named(made, key):
    row, here = copy.deepcopy(made)
    *path, last = key.split(".")
    node = row
    for name in path:
        node = node[name]
    assert last in node
    node[last] = ALTERED[key]
    (line,) = compare(row, here).differences
    assert line.startswith(f"{key}: the row says ")


def test_altered_weights_are_named_with_the_scores_that_they_change(run):
    file = run / "model.safetensors"
    weights = load_file(file)
    weights["generator.model.model.0.weight"] *= -1
    header = _header(file)
    save_file(weights, file, metadata=header)
    named = {line.partition(":")[0] for line in verify(run).differences}
    assert "files.model.safetensors" in named
    assert any(key.startswith("scores.paired/") for key in named)


def test_an_altered_config_is_named(run, capsys):
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("\nseed: 0\n", "\nseed: 1\n"))
    assert main(["verify", str(run)]) == 1
    shown = capsys.readouterr().out
    assert "files.config.yaml: the row says " in shown
    assert "seed: the row says 0, here it is 1" in shown


def test_a_folder_without_a_row_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"row\.json: not the row of a finished run"):
        verify(tmp_path)


def _header(file):
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        return opened.metadata()
