"""A budget is kept, by the least that keeps it, and what goes is what was measured to matter least."""

import json

import pytest
import torch
from narrow import answer, inputs_of, loss_of, net_of
from tiny_nets import training_batch
from torch_pruning.pruner.importance import TaylorImportance

from vtryon.compression.budget.clock import Clock
from vtryon.compression.budget.damage import damage
from vtryon.compression.budget.groups import Costs, groups_of
from vtryon.compression.budget.plans import BySensitivity, Ranked, Uniform, pruned_to, way_down
from vtryon.compression.budget.search import Budget
from vtryon.data.sample import TryOnBatch
from vtryon.metrics.cost import cost
from vtryon.models.architecture import widths
from vtryon.utils.latency import BlockTimes

SIZE = (64, 64)
WIDE = {"channels": (16, 16, 16, 16, 16), "fpn_channels": 16, "flow_channels": (16, 16, 8)}


def batches(net) -> list[TryOnBatch]:
    person, cloth, edge = inputs_of(net, seed=1, count=2)
    return [training_batch(2)._replace(person=person, other_cloth=cloth, other_edge=edge)]


def convolution_gmacs(net) -> float:
    row = cost(net, SIZE)
    return row["gmacs"] - row["correlation_gmacs"]


@pytest.fixture(scope="module")
def wide():
    return net_of(ngf=8, **WIDE)


@pytest.mark.parametrize(
    "plan",
    [pytest.param(Uniform(), id="uniform"), pytest.param(BySensitivity(1), marks=pytest.mark.slow, id="sensitivity")],
)
@pytest.mark.parametrize(("kind", "key"), [("share", "gmacs"), pytest.param("mib", "mib", marks=pytest.mark.slow)])
def test_the_network_costs_at_most_the_target_and_hardly_less(wide, plan, kind, key):
    whole = cost(wide, SIZE)
    pruned = Budget({kind: 0.5 if kind == "share" else whole["mib"] / 2}, plan, SIZE)(wide, batches(wide))
    assert 0.85 < cost(pruned, SIZE)[key] / (0.5 * whole[key]) <= 1
    assert len(answer(pruned)) > 4


@pytest.mark.slow
def test_what_is_priced_without_building_is_what_it_costs_when_built(wide):
    groups = groups_of(wide)
    costs = Costs(wide, groups, inputs_of(wide))
    for step in (1, 2, 3):
        kept = {group.name: max(1, group.width - number % (step + 1) - step) for number, group in enumerate(groups)}
        assert costs.total(kept) / 1e9 == pytest.approx(convolution_gmacs(pruned_to(wide, groups, kept)))
    whole = {group.name: group.width for group in groups}
    name = groups[3].name
    less = costs.total(whole) - costs.total(whole | {name: 1})
    assert costs.saved(whole, name, 1) == less > 0


def test_damage_of_a_group_is_what_pruning_it_does(wide):
    groups, (batch,) = groups_of(wide), batches(wide)
    question = tuple(part[:1] for part in (batch.person, batch.other_cloth, batch.other_edge))
    chosen = [group for group in groups if "netRefine.3.0" in group.name or "cond_FPN.smooth.2" in group.name]
    curves = damage(wide.eval(), chosen, [question], shares=(0.25, 0.5))
    with torch.no_grad():
        usual = wide(*question).image
        for group in chosen:
            gone, error = curves[group.name][-1]
            kept = {other.name: other.width - (gone if other is group else 0) for other in groups}
            pruned = pruned_to(wide, groups, kept)(*question).image
            truth = ((pruned.clamp(-1, 1) - usual.clamp(-1, 1)) * 127.5).square().mean()
            assert error == pytest.approx(float(truth), rel=1e-3)
            assert curves[group.name][0] == (0, 0.0)


def test_harmless_channels_go_before_harmful_ones(wide):
    groups = groups_of(wide)
    costs = Costs(wide, groups, inputs_of(wide))
    harmful = {group.name for group in groups[::2]}
    curves = {group.name: [(0, 0.0), (group.width, 1e6 if group.name in harmful else 1e-6)] for group in groups}
    steps = way_down(groups, costs, curves)
    whole = {group.name: group.width for group in groups}
    first = next(number for number, kept in enumerate(steps) if any(kept[name] < whole[name] for name in harmful))
    assert all(steps[first][group.name] < group.width for group in groups if group.name not in harmful)
    totals = [costs.total(kept) for kept in steps]
    assert totals == sorted(totals, reverse=True)


@pytest.mark.slow
def test_gradients_rank_as_well_as_measurements(wide):
    plan = Ranked(TaylorImportance(), max_ratio=0.8)
    pruned = Budget({"share": 0.6}, plan, SIZE)(wide, [0], loss_of)
    assert cost(pruned, SIZE)["gmacs"] <= 0.6 * cost(wide, SIZE)["gmacs"]


def test_weights_bend_the_uniform_share_by_part(wide):
    shrink = Uniform({"generator": 0.0})(wide, (), None)
    part, whole = widths(shrink(0.5)), widths(wide)
    assert all(part[name] == whole[name] for name in whole if name.startswith("generator"))
    assert part["warp.aflow_net.netMain.0.0"][1] == 8
    with pytest.raises(ValueError, match="weights name 'decoder'; the parts are encoders, pyramids, flow, generator"):
        Uniform({"decoder": 1.0})


def test_the_folder_says_what_was_reached(wide, tmp_path, monkeypatch):
    monkeypatch.setattr("vtryon.compression.budget.search.PROBES", 2)
    pruned = Budget({"share": 0.7, "gmacs": None}, Uniform(), SIZE, tmp_path)(wide)
    said = json.loads((tmp_path / "budget.json").read_text())
    assert said["target"] == {"share": 0.7}
    assert said["reached"] == cost(pruned, SIZE)["gmacs"] <= 0.7 * said["whole"]
    assert said["widths"] == widths(pruned)


@pytest.mark.slow
def test_the_mode_of_training_is_kept(wide):
    wide.train()
    pruned = BySensitivity(pairs=1)(wide, batches(wide), None)(0.5)
    assert all(module.training for module in [*pruned.modules(), *wide.modules()])
    wide.eval()


@pytest.mark.slow
def test_a_budget_of_time_is_kept_where_time_is_measured(wide, monkeypatch):
    def timed(self, nets) -> list[dict[str, BlockTimes]]:
        return [{"f32": BlockTimes(1000 * convolution_gmacs(net), {})} for net in nets]

    monkeypatch.setattr(Clock, "__call__", timed)
    most = 600 * convolution_gmacs(wide)
    pruned = Budget({"latency_ms": most, "precision": "f32"}, Uniform(), SIZE)(wide)
    assert 0.8 * most < 1000 * convolution_gmacs(pruned) <= most


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"gmacs": None}, r"target \(={'gmacs': None}\) must name one of gmacs, mib, latency_ms, share"),
        ({"gmacs": 1.0, "mib": 2.0}, "must name one of"),
        ({"gmacs": 100.0}, r"target.gmacs \(=100.0\) is kept already, the network costs"),
        pytest.param({"mib": 1e-4}, r"target.mib \(=0.0001\) is out of reach", marks=pytest.mark.slow),
    ],
)
def test_targets_that_cannot_be_are_told(wide, target, said):
    with pytest.raises(ValueError, match=said):
        Budget(target, Uniform(), SIZE)(wide)
