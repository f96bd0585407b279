"""A pruned network is smaller, whole, its own, and leaves nothing behind."""

import gc
import json
import weakref
from itertools import pairwise, product

import pytest
import torch
import torch_pruning as tp
from narrow import GENERATOR_INNER, answer, loss_of, net_of
from torch import nn
from torch.overrides import TorchFunctionMode
from torch_pruning.pruner.importance import (
    TaylorImportance,
)

from vtryon.compression.pruning import Pruning
from vtryon.metrics.cost import cost
from vtryon.models.architecture import differing, widths
from vtryon.models.checkpoint import load_net, save_net
from vtryon.models.frozen import Frozen
from vtryon.models.tryon import TryOnNet, TutorNet


def weights(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


class ReLUs(TorchFunctionMode):
    """Elements that pass `torch.relu`: torch-pruning's counter sees modules only, and counts ReLU as one operation."""

    seen = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func is torch.relu:
            self.seen += result.numel()
        return result


def counted(part: nn.Module, channels: int) -> tuple[float, float]:
    """(GMACs, million parameters) at 256x192 as torch-pruning counts."""
    image = torch.empty(1, channels, 256, 192, device="meta")
    with ReLUs() as relus:
        macs, count = tp.utils.count_ops_and_params(part.to("meta"), image)
    return round((macs + relus.seen) / 1e9, 2), round(count / 1e6, 2)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        pytest.param(0.2, (14.02, 27.99), marks=pytest.mark.slow),
        pytest.param(0.25, (12.42, 24.70), marks=pytest.mark.slow),
        (0.3, (10.70, 21.45)),
        pytest.param(0.4, (7.89, 15.76), marks=pytest.mark.slow),
    ],
)
def test_a_full_width_generator_shrinks_to_the_sizes_computed_independently(ratio, expected):
    pruned = Pruning(ratio, "generator", round_to=1)(net_of(ngf=64))
    assert counted(pruned.generator, 7) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        pytest.param(0.2, (5.42, 7.79), marks=pytest.mark.slow),
        pytest.param(0.3, (4.80, 7.02), marks=pytest.mark.slow),
        pytest.param(0.4, (4.21, 6.23), marks=pytest.mark.slow),
        (0.5, (3.63, 5.46)),
    ],
)
def test_a_full_width_encoder_shrinks_inside_its_five_outputs(ratio, expected):
    pruned = Pruning(ratio, "warp.image_features", round_to=1)(net_of(channels=(64, 128, 256, 256, 256)))
    assert counted(pruned.warp.image_features, 3) == expected
    assert [stage[-1].block[5].out_channels for stage in pruned.warp.image_features.encoders] == [
        64,
        128,
        256,
        256,
        256,
    ]


def test_work_parameters_and_bytes_fall_with_the_ratio():
    net = net_of()
    rows = [cost(Pruning(ratio, round_to=1)(net), (64, 64)) for ratio in (0.0, 0.25, 0.5)]
    for part, column in product(("", "cwm/", "igm/", "encoder/"), ("params_m", "gmacs", "mib")):
        assert all(more[part + column] > less[part + column] for more, less in pairwise(rows))


@pytest.mark.parametrize("scope", ["warp", "generator", "warp.image_features", "generator.model.model.4"])
def test_only_what_is_in_scope_is_pruned(scope):
    net = net_of()
    changed = differing(Pruning(0.5, scope, round_to=1)(net), net)
    assert changed
    assert all(name.startswith(scope) for name in changed)


def test_the_original_stays_as_it_was():
    net, twin = net_of(), net_of()
    net.warp.requires_grad_(False)
    net.generator.train()
    net.generator.model.model[2].eval()
    modes = [module.training for module in net.modules()]
    pruned = Pruning(0.5, round_to=1)(net)
    assert widths(net) == widths(twin)
    assert all(torch.equal(value, twin.state_dict()[key]) for key, value in net.state_dict().items())
    for one in (net, pruned):
        assert [module.training for module in one.modules()] == modes
        assert not any(weight.requires_grad for weight in one.warp.parameters())
        assert all(weight.requires_grad for weight in one.generator.parameters())
        assert all(weight.grad is None for weight in one.parameters())
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in one.modules())


def test_a_frozen_teacher_is_pruned_where_no_gradient_flows():
    teacher = Frozen(net_of())
    with torch.no_grad():
        pruned = Pruning(0.5, importance=TaylorImportance(), round_to=1)(teacher.net, [0], loss_of)
    assert not any(weight.requires_grad for weight in [*pruned.parameters(), *teacher.net.parameters()])
    assert weights(pruned) < weights(teacher.net)


@pytest.mark.parametrize("role", [TryOnNet, TutorNet])
def test_a_pruned_network_comes_back_from_its_file_bit_for_bit_and_is_pruned_again(role, tmp_path):
    once = Pruning(0.25, round_to=1)(net_of(role))
    save_net(once, tmp_path / "once.safetensors")
    loaded = load_net(tmp_path / "once.safetensors")
    assert all(map(torch.equal, answer(once), answer(loaded)))
    twice = Pruning(0.25, round_to=1)(loaded)
    assert all(map(torch.equal, answer(twice), answer(Pruning(0.25, round_to=1)(once))))
    save_net(twice, tmp_path / "twice.safetensors")
    assert all(map(torch.equal, answer(twice), answer(load_net(tmp_path / "twice.safetensors"))))
    assert weights(twice) < weights(once)


def test_a_pruned_network_still_learns():
    pruned = Pruning(0.5, round_to=1)(net_of()).train()
    optimizer = torch.optim.SGD(pruned.parameters(), lr=0.1)
    first = loss_of(pruned, 0)
    first.backward()
    optimizer.step()
    assert loss_of(pruned, 0) < first


def test_steps_lead_to_the_widths_of_one_shot_and_wait_for_tuning_between():
    net, seen = net_of(ngf=8), []
    for halfway in Pruning(0.5, "generator", round_to=1, steps=2).iterate(net):
        assert halfway is net
        seen.append(widths(net)[GENERATOR_INNER])
        loss_of(net, 0).backward()
    assert seen == [[6, 6], [4, 4]]
    assert widths(net) == widths(Pruning(0.5, "generator", round_to=1)(net_of(ngf=8)))


def test_a_later_step_goes_on_from_a_file_and_the_widths_of_the_start(tmp_path):
    pruning = Pruning(0.5, round_to=1, steps=2)
    whole = pruning(net_of())
    net = net_of()
    start = json.dumps(widths(net))
    pruning.step(net, 1, json.loads(start))
    save_net(net, tmp_path / "half.safetensors")
    resumed = load_net(tmp_path / "half.safetensors")
    pruning.step(resumed, 2, json.loads(start))
    assert all(map(torch.equal, answer(whole), answer(resumed)))


@pytest.fixture
def _no_garbage_collection():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.slow
@pytest.mark.usefixtures("_no_garbage_collection")
def test_twenty_prunings_leave_no_networks_behind():
    net, alive = net_of(), []
    for number in range(20):
        importance = TaylorImportance() if number % 4 == 0 else None
        pruned = Pruning(0.3, importance=importance, round_to=1)(net, [0], loss_of)
        alive += [weakref.ref(pruned.get_submodule(name)) for name in ("warp", "generator", GENERATOR_INNER)]
        assert sum(one() is not None for one in alive) == 3
    del pruned
    assert not any(one() for one in alive)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ratio": 1.0}, r"ratio \(=1.0\) must be in \[0, 1\)"),
        ({"ratio": -0.1}, r"ratio \(=-0.1\) must be in \[0, 1\)"),
        ({"ratios": {"generator.*": 1.5}}, r"ratios\['generator.\*'\] \(=1.5\) must be in \[0, 1\)"),
        ({"round_to": 0}, r"round_to \(=0\) must be a whole number of at least 1"),
        ({"steps": 0}, r"steps \(=0\) must be"),
        ({"ratio": 0.5, "global_pruning": True, "max_ratio": 0.4}, r"must be at most max_ratio \(=0.4\)"),
    ],
)
def test_arguments_that_cannot_be_are_refused_at_once(wrong, said):
    with pytest.raises(ValueError, match=said):
        Pruning(**wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scope": "decoder"}, r"scope \(='decoder'\) must be 'all' or a part: generator, .*warp.image_features"),
        ({"scope": "warp.image_FPN.smooth"}, "holds no channels that no layer outside knows"),
        ({"ratio": 0.8}, r"warp.aflow_net.netMain.0.4: ratio \(=0.8\) would empty it of its 4 channels"),
        ({"round_to": 8}, r"warp.aflow_net.netMain.0.4: .*round_to \(=8\) removes nothing of 4 channels"),
        ({"ratios": {"generator.nothing": 0.3}}, "ratios name 'generator.nothing', .* there are warp.aflow_net"),
        ({"ratios": {"*.netMain.0.6": 0.3}}, "which matches no channels that may go"),
        ({"scope": "warp", "ratios": {GENERATOR_INNER: 0.3}}, "no channels that may go in scope 'warp'"),
        (
            {"importance": TaylorImportance()},
            r"importance \(=TaylorImportance\) reads gradients, and no loss was given",
        ),
    ],
)
def test_what_cannot_be_done_is_told_with_the_layer_before_anything_goes(wrong, said):
    net = net_of()
    pruning = Pruning(**{"ratio": 0.3, "round_to": 1} | wrong)
    with pytest.raises(ValueError, match=said):
        next(pruning.iterate(net))
    assert widths(net) == widths(net_of())
