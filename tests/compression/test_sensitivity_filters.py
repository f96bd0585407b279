"""Figures F5 and F6: a filter that is said to be missing is as good as pruned, in every kind of layer."""

import csv
from itertools import pairwise

import pytest
import torch
from few_pairs import FewPairs, seen
from narrow import inputs_of, net_of
from torch import nn

from vtryon.compression.pruning import Pruning
from vtryon.compression.sensitivity.channels import Layer, layers_of, one_missing_each
from vtryon.compression.sensitivity.cross_check import without
from vtryon.compression.sensitivity.filters import PUBLISHED, FilterSensitivity
from vtryon.compression.sensitivity.scores import score_filters
from vtryon.metrics.flow import end_point_error
from vtryon.metrics.image_similarity import image_similarity
from vtryon.models.afwm import AFWM
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet


def measured(folder) -> list[dict[str, str]]:
    with (folder / "sensitivity.csv").open(newline="") as file:
        return list(csv.DictReader(file))


KINDS = (  # each by a layer, in the midst of the network where it has several
    "warp.image_features.encoders.1.2.block.2",  # between two norms
    "warp.cond_features.encoders.0.2.block.5",  # a stage's residual stream, shared by three convolutions
    "warp.image_FPN.adaptive.0",
    "warp.image_FPN.adaptive.2",  # shared by both pyramids, and by the level below
    "warp.cond_FPN.smooth.4",  # read by the cost volume and as half of a concatenation
    "warp.aflow_net.netMain.2.0",
    "warp.aflow_net.netRefine.3.4",
    "generator.model.model.4.model.3.block.0",  # between convolution and norm
    "generator.model.model.0",  # a skip, read as half of a concatenation
    "generator.model.model.4.model.7",  # of an enlarged picture
)


@pytest.mark.parametrize("pruned", [False, True], ids=["dense", "pruned"])
def test_in_every_kind_of_layer_a_missing_filter_equals_a_pruned_one_to_1e_6(pruned):
    net = Pruning(0.25, round_to=1)(net_of()) if pruned else net_of()
    net, question = net.double(), inputs_of(net.double())
    layers, effects = layers_of(net, KINDS, 4), []
    assert len(layers) == len(KINDS)
    with torch.no_grad():
        unpruned = net(*question)
        for layer in layers:
            with one_missing_each(net, layer.filters):
                answer = net(*(part.expand(len(layer.filters), -1, -1, -1) for part in question))
            changes = (answer.image - unpruned.image).abs().amax((1, 2, 3))
            worst = int(changes.argmax())  # some filters of a random network are silent anyway
            truth = without(net, layer.name, worst)(*question)
            assert (answer.image[worst] - truth.image[0]).abs().max() < 1e-6, layer.name
            assert (answer.flow[worst] - truth.flow[0]).abs().max() < 1e-6, layer.name
            effects.append(float(changes[worst]))
    assert min(effects) > 1e-5


def test_every_channel_that_may_go_can_be_analysed():
    assert len(layers_of(net_of(), ["*"])) == 94


def test_the_published_layers_are_the_twenty_that_a_norm_follows():
    net = TryOnNet(AFWM(channels=(6, 8, 10, 12, 14), fpn_channels=4, flow_channels=(4, 4, 4)), ResUnetGenerator(ngf=1))
    followed = set()
    for name, block in net.warp.named_modules():
        if isinstance(block, nn.Sequential) and "features" in name:
            for (one, before), (_, after) in pairwise(block.named_children()):
                if isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                    followed.add(f"warp.{name}.{one}")
    found = layers_of(net, PUBLISHED, 7)
    assert {layer.name for layer in found} == followed
    assert len(found) == 20
    assert {len(layer.filters) for layer in found} == {6, 7}


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    about = FilterSensitivity(filters=3, batch=2, pairs=2)(net_of(), FewPairs(), folder)
    return folder, about


@pytest.mark.slow
def test_a_row_is_what_the_pruned_network_says(analysed):
    folder, about = analysed
    rows, net, asked = measured(folder), net_of(), seen(FewPairs())
    assert len(rows) == 2 * 20 * 3 == 2 * about["filters"]
    row = rows[-1]
    with torch.no_grad():
        question = [whole[1:2] for whole in asked]
        usual, pruned = net(*question), without(net, row["layer"], int(row["filter"]))(*question)
    scale = [(answer.image.clamp(-1, 1) + 1) * 127.5 for answer in (pruned, usual)]
    near = image_similarity(*scale)
    assert float(row["mse"]) == pytest.approx(float(near.mse), rel=1e-3, abs=1e-4)
    assert float(row["ssim"]) == pytest.approx(float(near.ssim), abs=1e-4)
    drift = end_point_error(pruned.flow, usual.flow).pixels
    assert float(row["drift_px"]) == pytest.approx(float(drift), rel=1e-3, abs=1e-4)


def test_masking_agrees_with_removal(analysed):
    _, about = analysed
    agreement = about["against_removal"]
    assert agreement["filters"] == 2
    assert agreement["largest_difference"].keys() == {"mse", "ssim", "drift_px"}
    assert all(difference < 1e-4 for difference in agreement["largest_difference"].values())


def test_a_killed_analysis_goes_on_where_it_was(analysed, tmp_path, monkeypatch):
    whole = (analysed[0] / "sensitivity.csv").read_text()
    lines = whole.splitlines(keepends=True)
    (tmp_path / "sensitivity.csv").write_text("".join(lines[:-3]))
    measured_filters = []

    def counted(net, inputs, unpruned, layer, filters):
        measured_filters.extend(filters)
        return score_filters(net, inputs, unpruned, layer, filters)

    monkeypatch.setattr("vtryon.compression.sensitivity.filters.score_filters", counted)
    FilterSensitivity(filters=3, batch=2, pairs=2, check=0)(net_of(), FewPairs(), tmp_path)
    assert len(measured_filters) == 3
    assert (tmp_path / "sensitivity.csv").read_text() == whole


def test_a_pattern_that_matches_nothing_lists_what_exists():
    with pytest.raises(ValueError, match=r"'encoder.1' matches no channels that may go; there are .*netMain.0.4"):
        layers_of(net_of(), ["encoder.1"])


def test_a_filter_that_removes_nothing_is_an_error():
    name = "warp.aflow_net.netMain.0.0"
    with pytest.raises(ValueError, match=rf"{name}: filter 99 removes nothing"):
        without(net_of(), name, 99)


def test_an_analysis_leaves_the_network_as_it_was(analysed, tmp_path):
    net, before = net_of(), net_of().state_dict()
    FilterSensitivity(["warp.*_FPN.*"], filters=1, pairs=1)(net, FewPairs(), tmp_path)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in net.modules())
    assert isinstance(layers_of(net, PUBLISHED)[0], Layer)
