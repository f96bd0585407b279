"""Which channels go, and how many: scores, ratios, rounding."""

import pytest
import torch
from narrow import BY_ROOT, GENERATOR_INNER, inputs_of, loss_of, net_of
from torch_pruning.pruner.importance import (
    BNScaleImportance,
    HessianImportance,
    MagnitudeImportance,
    RandomImportance,
    TaylorImportance,
)

from vtryon.compression.pruning import Pruning
from vtryon.models.architecture import widths
from vtryon.models.tryon import TryOnNet


def test_widths_become_multiples_rounding_down_but_not_to_nothing():
    net = net_of(ngf=16, channels=(16, 32, 32, 32, 32), fpn_channels=24, flow_channels=(24, 16, 10))
    pruned = widths(Pruning(0.3)(net))
    assert pruned[GENERATOR_INNER] == [8, 8]  # 11 are left of 16
    assert pruned["warp.cond_FPN.smooth.0"] == [16, 16]  # 16 of 24
    assert pruned["warp.cond_features.encoders.1.0.block.2"] == [8, 16]  # 22 of 32
    assert pruned["warp.aflow_net.netMain.0.4"] == [8, 8]  # 7 of 10, but a multiple must stay


def test_nine_tenths_of_ten_channels_leave_one():
    layer = "warp.aflow_net.netMain.0.0"
    pruned = Pruning(0.0, "warp", ratios={layer: 0.9}, round_to=1)(net_of(flow_channels=(10, 6, 4)))
    assert widths(pruned)[layer] == [49, 1]


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


def test_gradients_need_a_batch_and_a_loss_that_depends_on_the_layer():
    pruning = Pruning(0.5, importance=HessianImportance(), round_to=1)
    with pytest.raises(ValueError, match="and no batch was given"):
        pruning(net_of(), [], loss_of)
    with pytest.raises(ValueError, match=r"generator.model.* the loss does not depend on it"):
        pruning(net_of(), [0], lambda net, seed: net(*inputs_of(net, seed)).flow.mean())
