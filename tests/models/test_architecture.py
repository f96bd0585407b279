"""The widths of every layer: what a file must tell of a pruned network, and what it is rebuilt from."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from vtryon.models.afwm import AFWM
from vtryon.models.architecture import differing, resize, widths
from vtryon.models.checkpoint import CheckpointError, load_net, save_net
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet, TutorNet

INNER = {  # one channel less inside a residual block of the generator
    "generator.model.model.2.block.0": [4, 3],
    "generator.model.model.2.block.1": [3],
    "generator.model.model.2.block.3": [3, 4],
}


def net_of(kind: type = TryOnNet) -> TryOnNet:
    torch.manual_seed(0)
    cond, painted = {TryOnNet: (3, 7), TutorNet: (45, 8)}[kind]
    return kind(AFWM(cond, (4,) * 5, 4, (4, 4, 4)), ResUnetGenerator(painted, ngf=4)).eval()


def rewrite(path, **changes) -> None:
    """Put another architecture into the header of a file."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["vtryon"])
    save_file(load_file(path), path, metadata={"vtryon": json.dumps(header | changes)})


def test_widths_name_every_convolution_and_norm_and_nothing_else():
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Sequential(nn.Conv2d(8, 2, 3)))
    assert widths(net) == {"0": [3, 8], "1": [8], "3.0": [8, 2]}


def test_only_layers_that_differ_from_what_the_arguments_build_are_told():
    net = net_of()
    assert differing(net, net_of()) == {}
    resize(net, INNER)
    assert differing(net, net_of()) == INNER


def test_a_resized_layer_has_weights_statistics_and_counts_of_its_new_width():
    net = net_of()
    resize(net, INNER)
    block = net.generator.model.model[2].block
    assert (block[0].weight.shape, block[3].weight.shape) == ((3, 4, 3, 3), (4, 3, 3, 3))
    assert {value.shape for value in block[1].state_dict().values()} == {(3,), ()}
    assert torch.isfinite(net.generator(torch.zeros(1, 7, 32, 32))).all()


def test_a_resized_layer_keeps_its_bias_and_a_depthwise_one_stays_depthwise():
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=8))
    resize(net, {"0": [3, 5], "1": [5, 5]})
    assert net[0].bias.shape == (5,)
    assert net(torch.zeros(1, 3, 4, 4)).shape == (1, 5, 2, 2)


def test_layers_that_are_not_named_keep_their_weights():
    net, before = net_of(), net_of().state_dict()
    resize(net, INNER)
    after = net.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in after if ".model.2.block." not in key)


@pytest.mark.parametrize("kind", [TryOnNet, TutorNet])
def test_a_network_of_other_widths_is_rebuilt_from_its_file_alone(tmp_path, kind):
    net, path = net_of(kind), tmp_path / "pruned.safetensors"
    resize(net, INNER)
    save_net(net, path)
    loaded = load_net(path)
    assert type(loaded) is kind
    assert widths(loaded) == widths(net)
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in net.state_dict().items())


def test_the_header_of_a_network_as_built_tells_no_widths_and_that_of_a_pruned_one_only_what_differs(tmp_path):
    for name, change in (("built", {}), ("pruned", INNER)):
        net = net_of()
        resize(net, change)
        save_net(net, tmp_path / name)
        with safe_open(tmp_path / name, framework="pt") as file:
            assert json.loads(file.metadata()["vtryon"]).get("widths", {}) == change


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"generator.model.model.99": [3, 3]}, "its widths name generator.model.model.99, which is no convolution"),
        ({"generator.model.model.2.block.1": [0]}, r"widths of generator.model.model.2.block.1 \(=\[0\]\) must be 1"),
        ({"generator.model.model.2.block.0": [4]}, r"must be 2 whole numbers of at least 1, as in \[4, 4\]"),
        ({"generator.model.model.2.block.0": [4, 1.5]}, "must be 2 whole numbers"),
        ({"generator.model.model.2.block.0": 4}, "must be 2 whole numbers"),
        ([["generator", 4]], r"its widths \(=.*\) must map layers to channels"),
        (INNER, r"generator.model.model.2.block.0.weight has shape \(4, 4, 3, 3\), the network wants \(3, 4, 3, 3\)"),
    ],
)
def test_a_file_whose_widths_cannot_be_is_refused_with_the_layer(tmp_path, told, said):
    path = tmp_path / "odd.safetensors"
    save_net(net_of(), path)
    rewrite(path, widths=told)
    with pytest.raises(CheckpointError, match=said) as caught:
        load_net(path)
    assert str(path) in str(caught.value)
