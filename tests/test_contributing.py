"""Each recipe of CONTRIBUTING.md is short, and followed to the letter it does what it promises."""

import copy
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from torch import nn

ROOT = Path(__file__).parents[1]
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.M | re.S))
RECIPES = ("Add a metric", "Add a compression method", "Add a data layout", "Add a table")


def blocks(section: str) -> list[str]:
    """The code blocks of a section, without their fences."""
    return re.findall(r"```\w+\n(.*?)```", SECTIONS[section], flags=re.DOTALL)


@pytest.mark.parametrize("section", RECIPES)
def test_a_recipe_takes_at_most_fifteen_lines_of_code(section):
    assert sum(len([line for line in block.splitlines() if line]) for block in blocks(section)) <= 15


def test_the_metric_scores_each_sample_and_has_a_direction():
    registry = pytest.importorskip("vtryon.metrics.registry")
    function, entry = blocks("Add a metric")
    scope = {"Metric": registry.Metric}
    exec(function, scope)
    metric = eval(entry, scope)
    judged = SimpleNamespace(
        image=torch.full((2, 3, 4, 4), 10, dtype=torch.uint8), truth=torch.full((2, 3, 4, 4), 30, dtype=torch.uint8)
    )
    assert metric.function.rpartition(":")[2] in scope
    assert scope["brightness_error"](judged).tolist() == [20, 20]
    assert metric.direction == "min"
    assert all(hasattr(judged, need) for need in metric.needs)


def test_the_compression_method_changes_a_copy_of_the_network():
    method = pytest.importorskip("vtryon.compression.method")
    scope = {"CompressionMethod": method.CompressionMethod, "copy": copy}
    exec(blocks("Add a compression method")[0], scope)
    net = nn.Linear(3, 3)
    before = net.weight.clone()
    rounded = scope["Rounding"](step=0.5)(net)
    assert torch.equal(net.weight, before)
    assert torch.equal(rounded.weight * 2, (rounded.weight * 2).round())


def test_the_data_layout_pairs_every_person_with_the_garment_worn():
    from vtryon.data.files import decode
    from vtryon.data.files.layouts import Layout, Split

    scope = {"Layout": Layout, "Split": Split, "decode": decode}
    exec(blocks("Add a data layout")[0], scope)
    layout = scope["MINE"]
    assert layout.train.person == "train/photo"
    assert layout.lists["train"] is None
    assert layout.garment_of("000003_0") == "000003_1"


def test_the_table_is_an_exhibit():
    from vtryon.report.papers import catalogue

    (fields,) = yaml.safe_load(blocks("Add a table")[0])
    exhibit = catalogue._exhibit("a16", fields)
    assert exhibit.name == "t9"
    assert exhibit.columns[0].tolerance == 0.001
