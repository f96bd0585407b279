"""Channels go from every layer that knows them, and from no other."""

import pytest
import torch
from narrow import BY_ROOT, GENERATOR_INNER, answer, net_of
from torch import nn
from torch_pruning.pruner.importance import (
    MagnitudeImportance,
)

from vtryon.compression.pruning import Pruning
from vtryon.models.architecture import differing, widths
from vtryon.models.tryon import TryOnNet, TutorNet

STAGE = "warp.image_features.encoders."
DECODER = "generator.model.model.4.model."
KINDS = {  # what makes the channels, what norms them, and who reads them, all by hand
    "inside a residual block of an encoder": (
        [STAGE + "2.1.block.2"],
        [STAGE + "2.1.block.3"],
        [STAGE + "2.1.block.5"],
    ),
    "output of an encoder's stage": (
        [STAGE + "2.0.block.2", STAGE + "2.1.block.5", STAGE + "2.2.block.5"],
        [STAGE + "2.1.block.0", STAGE + "2.2.block.0", STAGE + "3.0.block.0"],
        [STAGE + "2.1.block.2", STAGE + "2.2.block.2", STAGE + "3.0.block.2", "warp.image_FPN.adaptive.2"],
    ),
    "coarsest lateral of a pyramid": (["warp.cond_FPN.adaptive.0"], [], ["warp.cond_FPN.smooth.0"]),
    "level of both pyramids": (
        [f"warp.{side}_FPN.{layer}" for side in ("image", "cond") for layer in ("smooth.1", "adaptive.2")],
        [],
        ["warp.image_FPN.smooth.2", "warp.cond_FPN.smooth.2", "warp.aflow_net.netRefine.1.0"],
    ),
    "finest level of both pyramids": (
        ["warp.image_FPN.smooth.4", "warp.cond_FPN.smooth.4"],
        [],
        ["warp.aflow_net.netRefine.4.0"],
    ),
    "coarse flow head": (["warp.aflow_net.netMain.2.0"], [], ["warp.aflow_net.netMain.2.2"]),
    "last hidden width of a fine flow head": (
        ["warp.aflow_net.netRefine.1.4"],
        [],
        ["warp.aflow_net.netRefine.1.6"],
    ),
    "inside a residual block of the generator": (
        [GENERATOR_INNER],
        ["generator.model.model.2.block.1"],
        ["generator.model.model.2.block.3"],
    ),
    "skip of the generator": (
        ["generator.model.model.0", "generator.model.model.2.block.3", "generator.model.model.3.block.3"],
        ["generator.model.model.2.block.4", "generator.model.model.3.block.4"],
        [
            "generator.model.model.2.block.0",
            "generator.model.model.3.block.0",
            DECODER + "0",
            "generator.model.model.6",
        ],
    ),
    "way up of the generator": (
        [DECODER + "7", DECODER + "10.block.3", DECODER + "11.block.3"],
        [DECODER + "8", DECODER + "10.block.4", DECODER + "11.block.4"],
        [DECODER + "10.block.0", DECODER + "11.block.0", "generator.model.model.6"],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_channels_that_are_silent_go_from_all_their_layers_and_the_answer_stays(kind):
    net, (makers, norms, readers) = net_of().double(), KINDS[kind]
    width, silent = net.get_submodule(makers[0]).out_channels, [1, 3]
    with torch.no_grad():
        for name in makers + norms:
            for value in net.get_submodule(name).parameters():
                value[silent] = 0
    importance = MagnitudeImportance(p=1, bias=True, **BY_ROOT)
    ratios = {makers[0]: len(silent) / width}
    pruned = Pruning(0.0, makers[0].split(".")[0], ratios=ratios, importance=importance, round_to=1)(net)
    assert differing(pruned, net).keys() == {*makers, *norms, *readers}
    kept = [channel for channel in range(width) if channel not in silent]
    for name in makers:
        mine, theirs = pruned.get_submodule(name), net.get_submodule(name)
        assert mine.out_channels == len(kept)
        if mine.in_channels == theirs.in_channels:
            assert torch.equal(mine.weight, theirs.weight[kept])
    for mine, theirs in zip(answer(pruned), answer(net), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["output of an encoder's stage", "level of both pyramids", "skip of the generator"])
def test_channels_that_are_not_silent_are_missed(kind):
    net, maker = net_of().double(), KINDS[kind][0][0]
    pruned = Pruning(0.0, maker.split(".")[0], ratios={maker: 0.4}, round_to=1)(net)
    assert any((mine - theirs).abs().max() > 1e-6 for mine, theirs in zip(answer(pruned), answer(net), strict=True))


@pytest.mark.parametrize("role", [TryOnNet, TutorNet])
def test_pictures_offsets_cost_volume_rendering_and_mask_keep_their_channels(role):
    net = net_of(role)
    pruned = Pruning(0.5, round_to=1)(net)
    ends = {
        "warp.image_features.encoders.0.0.block.2": 0,
        "warp.cond_features.encoders.0.0.block.2": 0,
        "warp.aflow_net.netMain.3.0": 0,
        "warp.aflow_net.netMain.3.6": 1,
        "warp.aflow_net.netRefine.0.6": 1,
        "generator.model.model.0": 0,
        "generator.model.model.6": 1,
    }
    for name, end in ends.items():
        assert widths(pruned)[name][end] == widths(net)[name][end], name
        assert widths(pruned)[name][1 - end] < widths(net)[name][1 - end], name


def test_image_and_person_features_that_meet_in_the_cost_volume_lose_the_same_channels():
    importance = MagnitudeImportance(p=1, **BY_ROOT)
    net = net_of()
    pruned = Pruning(0.0, ratios={"warp.image_FPN.smooth.3": 0.5}, importance=importance, round_to=1)(net)
    kept = []
    for pyramid in ("image_FPN", "cond_FPN"):
        mine, theirs = (n.get_submodule(f"warp.{pyramid}.smooth.3").bias.tolist() for n in (pruned, net))
        kept.append([theirs.index(value) for value in mine])
    assert kept[0] == kept[1]
    assert len(kept[0]) == 4


def test_every_layer_but_the_ends_loses_the_same_share():
    net, pruned = net_of(), Pruning(0.5, round_to=1)(net_of())
    ends = ("netMain.0.6", "netMain.1.6", "netMain.2.6", "netMain.3.6", "netMain.4.6")
    for name, channels in widths(net).items():
        layer = net.get_submodule(name)
        if isinstance(layer, nn.Conv2d) and not name.endswith(ends) and channels[1] > 4:
            assert widths(pruned)[name][1] == channels[1] // 2, name
