"""Pruning takes the channels it should, everywhere they are known, and nothing else."""

import gc
import json
import weakref
from itertools import pairwise, product

import pytest
import torch
import torch_pruning as tp
from torch import nn
from torch.overrides import TorchFunctionMode
from torch_pruning.pruner.importance import (
    BNScaleImportance,
    HessianImportance,
    MagnitudeImportance,
    RandomImportance,
    TaylorImportance,
)

from vtryon.compression.pruning import Pruning
from vtryon.metrics.cost import cost
from vtryon.nn.afwm import AFWM
from vtryon.nn.architecture import differing, widths
from vtryon.nn.checkpoint import load_net, save_net
from vtryon.nn.frozen import Frozen
from vtryon.nn.generator import ResUnetGenerator
from vtryon.nn.tryon import Agnostic, TryOnNet, TutorNet

NARROW = {"channels": (6, 8, 10, 12, 14), "fpn_channels": 8, "flow_channels": (8, 6, 4)}
GENERATOR_INNER = "generator.model.model.2.block.0"
BY_ROOT = {"group_reduction": "first", "normalizer": None}  # one convolution's own score, easily computed


def net_of(kind: type = TryOnNet, ngf: int = 4, **warp) -> TryOnNet:
    """Random, statistics and all, so that no norm hides a channel."""
    torch.manual_seed(0)
    cond, painted = {TryOnNet: (3, 7), TutorNet: (45, 8)}[kind]
    net = kind(AFWM(cond, **(NARROW | warp)), ResUnetGenerator(painted, ngf=ngf)).eval()
    for norm in (layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)):
        for value in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
            value.copy_(torch.rand(value.shape) + 0.5)
    return net


def inputs_of(net: TryOnNet, seed: int = 0, count: int = 1) -> tuple:
    draw, like = torch.Generator().manual_seed(seed), next(net.parameters())

    def picture(channels: int) -> torch.Tensor:
        return torch.rand(count, channels, 64, 64, generator=draw).to(like) * 2 - 1

    person = Agnostic(picture(45), picture(3), picture(1)) if isinstance(net, TutorNet) else picture(3)
    return person, picture(3), (picture(1) > -0.8).to(like)


def answer(net: TryOnNet) -> list[torch.Tensor]:
    with torch.no_grad():
        out = net(*inputs_of(net))
    return [out.image, out.flow, out.mask, out.rendered, *out.offsets]


def loss_of(net: TryOnNet, seed: int) -> torch.Tensor:
    return net(*inputs_of(net, seed)).image.square().mean()


def weights(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


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


@pytest.mark.parametrize("kind", KINDS)
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
    ("ratio", "expected"), [(0.2, (14.02, 27.99)), (0.25, (12.42, 24.70)), (0.3, (10.70, 21.45)), (0.4, (7.89, 15.76))]
)
def test_a_full_width_generator_shrinks_to_the_sizes_computed_independently(ratio, expected):
    pruned = Pruning(ratio, "generator", round_to=1)(net_of(ngf=64))
    assert counted(pruned.generator, 7) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.2, (5.42, 7.79)), (0.3, (4.80, 7.02)), (0.4, (4.21, 6.23)), (0.5, (3.63, 5.46))]
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


def test_widths_become_multiples_rounding_down_but_not_to_nothing():
    net = net_of(ngf=16, channels=(16, 32, 32, 32, 32), fpn_channels=24, flow_channels=(24, 16, 10))
    pruned = widths(Pruning(0.3)(net))
    assert pruned[GENERATOR_INNER] == [8, 8]  # 11 are left of 16
    assert pruned["warp.cond_FPN.smooth.0"] == [16, 16]  # 16 of 24
    assert pruned["warp.cond_features.encoders.1.0.block.2"] == [8, 16]  # 22 of 32
    assert pruned["warp.aflow_net.netMain.0.4"] == [8, 8]  # 7 of 10, but a multiple must stay


@pytest.mark.parametrize("power", [1, 2])
def test_the_smallest_filters_go(power):
    net = net_of()
    norms = net.get_submodule(GENERATOR_INNER).weight.detach().abs().pow(power).flatten(1).sum(1)
    kept = sorted(norms.argsort()[2:].tolist())
    importance = MagnitudeImportance(p=power, **BY_ROOT)
    pruned = Pruning(0.0, "generator", importance, round_to=1, ratios={GENERATOR_INNER: 0.5})(net)
    mine, theirs = (n.get_submodule("generator.model.model.2.block.1").weight for n in (pruned, net))
    assert torch.equal(mine, theirs[kept])


def gradients(net: TryOnNet) -> list[torch.Tensor]:
    weight = net.get_submodule(GENERATOR_INNER).weight
    return [torch.autograd.grad(loss_of(net, seed), weight)[0] for seed in (0, 1, 2)]


@pytest.mark.parametrize(
    ("importance", "score"),
    [
        (TaylorImportance, lambda weight, grads: (weight * torch.stack(grads).mean(0)).abs()),
        (HessianImportance, lambda weight, grads: weight**2 * torch.stack(grads).square().mean(0)),
    ],
)
def test_gradients_of_all_batches_rank_the_channels(importance, score):
    net = net_of()
    scores = score(net.get_submodule(GENERATOR_INNER).weight.detach(), gradients(net)).flatten(1).sum(1)
    kept = sorted(scores.argsort()[2:].tolist())
    pruning = Pruning(0.0, "generator", importance(**BY_ROOT), round_to=1, ratios={GENERATOR_INNER: 0.5})
    mine = pruning(net, [0, 1, 2], loss_of).get_submodule("generator.model.model.2.block.1").weight
    assert torch.equal(mine, net.get_submodule("generator.model.model.2.block.1").weight[kept])


@pytest.mark.parametrize(
    "importance", [MagnitudeImportance(p=1), RandomImportance(), TaylorImportance(), HessianImportance()]
)
def test_every_importance_gives_the_same_widths_under_a_uniform_ratio(importance):
    pruned = Pruning(0.5, "generator", importance=importance, round_to=1)(net_of(), [0], loss_of)
    assert widths(pruned) == widths(Pruning(0.5, "generator", round_to=1)(net_of()))


def test_norm_scales_rank_where_there_are_norms_and_elsewhere_the_layer_is_named():
    net = net_of()
    scales = net.get_submodule("generator.model.model.2.block.1").weight
    pruned = Pruning(0.5, "generator", importance=BNScaleImportance(), round_to=1)(net)
    kept = pruned.get_submodule("generator.model.model.2.block.1").weight
    assert torch.equal(kept, scales[sorted(scales.argsort()[2:].tolist())])
    with pytest.raises(ValueError, match=r"warp.aflow_net.netMain.0.4: importance \(=BNScaleImportance\) cannot judge"):
        Pruning(0.5, "warp", importance=BNScaleImportance(), round_to=1)(net)
    unjudged = {"*FPN*": 0.0, "*aflow_net*": 0.0}
    Pruning(0.5, "warp", importance=BNScaleImportance(), ratios=unjudged, round_to=1)(net)


def weakened() -> TryOnNet:
    net = net_of()
    with torch.no_grad():
        net.get_submodule(GENERATOR_INNER).weight.mul_(1e-3)
    return net


def test_a_global_ratio_takes_more_where_the_filters_are_weak_and_its_share_in_all():
    options = {"scope": "generator", "importance": MagnitudeImportance(p=2, **BY_ROOT), "global_pruning": True}
    net = weakened()
    pruned = widths(Pruning(0.3, max_ratio=0.75, round_to=1, **options)(net))
    assert pruned[GENERATOR_INNER][1] == 1  # of 4
    roots = [name for name, layer in net.generator.named_modules() if name.endswith("block.0")]
    shares = {pruned[f"generator.{name}"][1] / widths(net)[f"generator.{name}"][1] for name in roots}
    assert len(shares) > 2
    with pytest.raises(ValueError, match=rf"{GENERATOR_INNER}: ratio \(=0.3\) would empty it of its 4 channels"):
        Pruning(0.3, round_to=1, **options)(net)


def test_a_global_ratio_counts_the_channels_of_all_layers():
    decoder = "generator.model.model.4.model.1*.block.0"  # two layers of 4
    pruning = Pruning(0.0, "generator", MagnitudeImportance(), True, 1, ratios={decoder: 0.25})
    pruned = widths(pruning(net_of()))
    assert sum(pruned[f"generator.model.model.4.model.{n}.block.0"][1] for n in (10, 11)) == 6


def test_blocks_have_their_own_ratios_and_the_last_that_matches_counts():
    ratios = {"generator.*": 0.5, "generator.model.model.2.*": 0.25, "generator.model.model.3.block.0": 0.0}
    pruned = widths(Pruning(0.2, round_to=1, ratios=ratios)(net_of(ngf=8)))
    assert pruned["generator.model.model.2.block.0"][1] == 6
    assert pruned["generator.model.model.3.block.0"][1] == 8
    assert pruned["generator.model.model.4.model.10.block.0"][1] == 4
    assert pruned["warp.aflow_net.netMain.0.0"][1] == 6


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


def test_gradients_need_a_batch_and_a_loss_that_depends_on_the_layer():
    pruning = Pruning(0.5, importance=HessianImportance(), round_to=1)
    with pytest.raises(ValueError, match="and no batch was given"):
        pruning(net_of(), [], loss_of)
    with pytest.raises(ValueError, match=r"generator.model.* the loss does not depend on it"):
        pruning(net_of(), [0], lambda net, seed: net(*inputs_of(net, seed)).flow.mean())
