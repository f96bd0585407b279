"""A network of a supernet is the one that slimming would cut from the widest, and costs what is counted."""

import pytest
import torch
from narrow import answer, inputs_of, net_of

from vtryon.compression.slimming import slimmed
from vtryon.compression.supernet.network import Supernet, recalibrate, sorted_by_importance
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.source import FromSupernet, load_supernet
from vtryon.compression.supernet.widths import Choice, WidthSpace, built, choice_of
from vtryon.metrics.cost import cost
from vtryon.models.checkpoint import load_net, save_net

SPACE = {  # the last of each are the widths of `net_of()`
    "ngf": [1, 2, 4],
    "channels": [[2, 6], [3, 8], [10], [5, 12], [7, 14]],
    "fpn_channels": [3, 8],
    "flow_channels": [[4, 8], [6], [2, 4]],
}
NARROW = Choice(2, (6, 3, 10, 12, 7), 3, (8, 6, 2))


@pytest.fixture(scope="module")
def supernet() -> Supernet:
    return Supernet(sorted_by_importance(net_of())[0], WidthSpace(**SPACE))


def agree(one: list[torch.Tensor], other: list[torch.Tensor], within: float) -> None:
    for left, right in zip(one, other, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=within)


def test_sorting_the_channels_changes_no_answer_and_a_second_time_nothing():
    net = net_of()
    in_order, orders = sorted_by_importance(net)
    agree(answer(in_order), answer(net), 1e-5)
    again, unmoved = sorted_by_importance(in_order)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in in_order.state_dict().items())
    assert unmoved == [sorted(order) for order in orders] == [list(range(8))] * 5
    with torch.no_grad():
        looked, before = (student.warp.look(inputs_of(net)[0]) for student in (in_order, net))
    agree(list(looked), [level[:, order] for level, order in zip(before, orders, strict=True)], 1e-5)


@pytest.mark.parametrize("choice", [NARROW, Choice(1, (2, 3, 10, 5, 7), 3, (4, 6, 2))])
def test_a_network_of_an_untrained_supernet_is_what_slimming_cuts_from_the_teacher(supernet, choice):
    narrow = supernet.extract(choice)
    assert choice_of(narrow) == choice
    agree(answer(narrow), answer(slimmed(net_of(), built(supernet.net, choice)).eval()), 1e-5)


def test_an_extracted_network_says_what_the_supernet_says_in_its_widths(supernet):
    inputs = inputs_of(supernet.net, seed=3, count=2)
    narrow = supernet.extract(NARROW).train()  # both by the statistics of the batch
    with torch.no_grad():
        shared, own = supernet(NARROW, *inputs), narrow(*inputs)
    assert torch.equal(shared.image, own.image)
    assert torch.equal(shared.flow, own.flow)


def test_gradients_reach_the_first_channels_and_no_others(supernet):
    net = supernet.net.requires_grad_(True)
    net.zero_grad()
    supernet(NARROW, *inputs_of(net, count=2)).image.square().mean().backward()
    first = net.generator.model.model[0].weight.grad  # of the layer that makes ngf channels
    assert first[:2].abs().sum() > 0
    assert not first[2:].any()
    skipped = net.warp.aflow_net.netRefine[0][0].weight.grad  # it reads the garment's features, then the person's
    assert [bool(skipped[:, column].any()) for column in range(16)] == [column % 8 < 3 for column in range(16)]
    net.zero_grad()


def test_statistics_are_the_mean_over_batches():
    net = net_of()
    batches = [inputs_of(net, seed, count=2) for seed in (1, 2, 3)]
    norm = net.warp.cond_features.encoders[0][0].block[0]  # it sees the photo
    recalibrate(net, batches)
    means = torch.stack([person.mean((0, 2, 3)) for person, _, _ in batches]).mean(0)
    torch.testing.assert_close(norm.running_mean, means)
    assert norm.momentum == 0.1
    assert not net.training


def test_without_batches_statistics_stay(supernet):
    before = {key: value.clone() for key, value in supernet.extract(NARROW).state_dict().items()}
    after = supernet.extract(NARROW, []).state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())


def test_what_is_counted_without_building_is_what_the_network_costs(supernet):
    prices = Prices(supernet, (64, 64))
    draw = torch.Generator().manual_seed(0)
    for choice in (supernet.space.narrowest(), supernet.space.draw(draw), supernet.space.widest()):
        row = cost(supernet.extract(choice), (64, 64))
        assert prices.gmacs(choice) == pytest.approx(row["gmacs"], rel=1e-9)
        assert prices.mib(choice) == pytest.approx(row["mib"], rel=1e-9)


def test_a_file_holds_its_widths_and_another_file_is_refused(tmp_path, supernet):
    net, _ = sorted_by_importance(net_of())
    save_net(net, tmp_path / "one.safetensors")
    with pytest.raises(ValueError, match=r"one\.safetensors: holds one network, no supernet"):
        load_supernet(tmp_path / "one.safetensors")
    net.held_widths = SPACE
    save_net(net, tmp_path / "many.safetensors")
    narrow = FromSupernet(tmp_path / "many.safetensors")(built(net, NARROW))
    agree(answer(narrow), answer(supernet.extract(NARROW)), 0)
    assert narrow.held_widths is None
    assert load_net(tmp_path / "many.safetensors").held_widths == SPACE


def test_a_width_that_is_not_held_is_named_with_those_that_are(supernet):
    with pytest.raises(ValueError, match=r"channels\[1\] \(=4\) must be one of \[3, 8\]"):
        supernet.extract(NARROW._replace(channels=(6, 4, 10, 12, 7)))
    with pytest.raises(ValueError, match="fpn_channels"):
        WidthSpace(**SPACE | {"fpn_channels": [8, 3]})
    with pytest.raises(ValueError, match=r"widest choice \(ngf=4 .*fpn=3"):
        Supernet(net_of(), WidthSpace(**SPACE | {"fpn_channels": [3]}))


def test_a_space_counts_its_networks_and_climbs_through_them():
    space = WidthSpace(**SPACE)
    assert len(space) == 3 * 2**4 * 2 * 4
    assert space.choice(space.indices(NARROW)) == NARROW
    ladder = list(space.ladder(3))
    assert (ladder[0], ladder[-1]) == (space.narrowest(), space.widest())
