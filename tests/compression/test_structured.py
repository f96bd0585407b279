"""Networks of another structure than the released one start from its weights, and are pruned like it."""

import pytest
import torch
from narrow import BY_ROOT, answer, net_of
from torch import nn
from torch_pruning.pruner.importance import MagnitudeImportance

from vtryon.compression.pruning import Pruning
from vtryon.compression.slimming import slim_from
from vtryon.metrics.cost import cost
from vtryon.models.checkpoint import save_net
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.layers.convolution import separated
from vtryon.models.tryon import TryOnNet

WARPS = {"flow_levels": {"flow_levels": 4}, "shared": {"shared": True}, "separable": {"separable": True}}


def structured(axis: str) -> TryOnNet:
    return TryOnNet(net_of(**WARPS[axis]).warp, ResUnetGenerator(7, ngf=4, separable=axis == "separable")).eval()


@pytest.fixture
def started(tmp_path):
    """A network with an axis, started from the released structure of the same widths."""
    teacher = net_of()
    save_net(teacher, tmp_path / "teacher.safetensors")

    def start(axis: str) -> tuple[TryOnNet, TryOnNet]:
        net = structured(axis)
        for layer in net.modules():  # nothing is left as it was by chance
            if isinstance(layer, nn.Conv2d):
                nn.init.zeros_(layer.weight)
        slim_from(net, tmp_path / "teacher.safetensors")
        return teacher, net

    return start


@pytest.mark.parametrize("axis", ["flow_levels", "shared"])
def test_every_weight_that_both_structures_have_comes_from_the_teacher(axis, started):
    teacher, net = started(axis)
    for key, value in net.state_dict().items():
        assert torch.equal(value, teacher.state_dict()[key]), key


def test_separable_blocks_start_as_the_nearest_to_the_teachers(started):
    teacher, net = started("separable")
    whole = teacher.warp.image_features.encoders[1][2].block
    steps = net.warp.image_features.encoders[1][2].block
    kernels, mixing = separated(whole[2].weight)
    assert torch.equal(steps[2].weight, kernels)
    assert torch.equal(steps[3].weight, mixing)
    assert torch.equal(steps[4].running_mean, whole[3].running_mean)
    assert all(layer.weight.abs().sum() > 0 for layer in net.modules() if isinstance(layer, nn.Conv2d))


def test_a_teacher_of_fewer_levels_starts_no_student_of_all(tmp_path):
    save_net(structured("flow_levels"), tmp_path / "teacher.safetensors")
    with pytest.raises(ValueError, match=r"flow_levels \(=None\) of the student's warp must be 4.*init=null"):
        slim_from(net_of(), tmp_path / "teacher.safetensors")


@pytest.mark.parametrize("axis", WARPS)
def test_a_structured_network_is_pruned(axis):
    net = structured(axis)
    pruned = Pruning(0.5, round_to=1)(net)
    before, after = cost(net, (64, 64)), cost(pruned, (64, 64))
    assert after["params_m"] < 0.5 * before["params_m"]
    assert after["gmacs"] < 0.7 * before["gmacs"]
    for one, other in zip(answer(pruned), answer(net), strict=True):
        assert one.shape == other.shape
        assert torch.isfinite(one).all()


SILENT = {  # what makes some channels and what norms them, by hand
    "shared": (["warp.image_FPN.smooth.1", "warp.image_FPN.adaptive.2"], []),
    "separable": (["warp.image_features.encoders.2.1.block.3"], ["warp.image_features.encoders.2.1.block.4"]),
}


@pytest.mark.parametrize("axis", SILENT)
def test_channels_that_are_silent_go_and_the_answer_stays(axis):
    net, (makers, norms) = structured(axis).double(), SILENT[axis]
    with torch.no_grad():
        for name in makers + norms:
            for value in net.get_submodule(name).parameters():
                value[[1, 3]] = 0
    width = net.get_submodule(makers[0]).out_channels
    pruned = Pruning(
        0.0, ratios=dict.fromkeys(makers, 2 / width), round_to=1, importance=MagnitudeImportance(**BY_ROOT)
    )(net)
    assert pruned.get_submodule(makers[0]).out_channels == width - 2
    for one, other in zip(answer(pruned), answer(net), strict=True):
        assert torch.allclose(one, other, atol=1e-9)
