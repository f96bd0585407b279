"""The search keeps its budget, uses it up, finds what an exhaustive one finds, and goes on where it was cut short."""

import csv
import itertools
import json

import pytest
import torch
from narrow import inputs_of, net_of
from tiny_nets import training_batch

from vtryon.compression.budget.clock import Clock, Times
from vtryon.compression.supernet.candidates import Evaluator, Quality
from vtryon.compression.supernet.evolution import Evolution, Settings
from vtryon.compression.supernet.front import front
from vtryon.compression.supernet.latency import LatencyModel
from vtryon.compression.supernet.network import Supernet, sorted_by_importance
from vtryon.compression.supernet.pick import Pick
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.table import scores
from vtryon.compression.supernet.widths import Choice, WidthSpace, choice_of
from vtryon.metrics.cost import cost
from vtryon.models.checkpoint import save_net
from vtryon.utils.latency import BlockTimes

SPACE = {
    "ngf": [1, 2, 4],
    "channels": [[2, 6], [3, 8], [10], [5, 12], [7, 14]],
    "fpn_channels": [3, 8],
    "flow_channels": [[4, 8], [6], [2, 4]],
}
SIZE = (64, 64)


class Batches(list):
    """Training batches, and others that are held out."""

    held_out: list


class MeanColour(torch.nn.Module):
    """The mean and the spread of each colour, in place of a feature network."""

    def forward(self, images):
        colours = images.double().flatten(2)
        return torch.cat([colours.mean(2), colours.std(2)], dim=1)


def price(choice: Choice) -> float:
    """Rises with each width."""
    return choice.ngf**2 + sum(choice.channels) + choice.fpn_channels + sum(choice.flow_channels)


def liking(choice: Choice) -> float:
    """Some widths are worth more than others; less is better."""
    return -(3 * choice.ngf + 5 * choice.channels[1] + choice.fpn_channels + 4 * choice.flow_channels[2])


def evolved(bound: float, **settings) -> list[Choice]:
    space = WidthSpace(**SPACE)
    return Evolution(space, price, bound, Settings(**settings)).run(lambda choices: [liking(c) for c in choices])


def test_candidates_keep_the_budget_and_none_could_be_wider():
    space = WidthSpace(**SPACE)
    for choice in evolved(70, population=10, generations=4, parents=3):
        assert price(choice) <= 70
        indices = space.indices(choice)
        for place, widths in enumerate(space.lists.values()):
            if indices[place] + 1 < len(widths):
                wider = (*indices[:place], indices[place] + 1, *indices[place + 1 :])
                assert price(space.choice(wider)) > 70


def test_the_search_finds_what_trying_everything_finds():
    space = WidthSpace(**SPACE)
    everything = [space.choice(i) for i in itertools.product(*(range(len(w)) for w in space.lists.values()))]
    for bound in (50, 60, 70):
        best = min((choice for choice in everything if price(choice) <= bound), key=liking)
        assert liking(evolved(bound, population=12, generations=6, parents=4)[0]) == liking(best)


def test_a_seed_gives_the_same_candidates_each_once_and_another_seed_others():
    settings = {"population": 6, "generations": 3, "parents": 2}
    one, again, other = (evolved(60, seed=seed, **settings) for seed in (1, 1, 2))
    assert one == again
    assert len(set(one)) == len(one)
    assert one != other


def test_a_budget_below_the_narrowest_network_is_refused():
    with pytest.raises(ValueError, match="out of reach: the narrowest network of the supernet costs 4"):
        evolved(36)


@pytest.fixture
def supernet_and_teacher(tmp_path):
    net, _ = sorted_by_importance(net_of())
    net.held_widths, net.trained_on = SPACE, {"name": "shirts", "fingerprint": "0"}
    teacher = net_of()
    teacher.trained_on = {"name": "shirts", "fingerprint": "0"}
    save_net(teacher, tmp_path / "teacher.safetensors")
    return net, tmp_path / "teacher.safetensors"


def batches(net) -> Batches:
    def batch(seed):
        person, cloth, edge = inputs_of(net, seed, count=2)
        return training_batch(2)._replace(person=person, other_cloth=cloth, other_edge=edge)

    given = Batches([batch(1)])
    given.held_out = [batch(2), batch(3)]
    return given


def picking(net, teacher, folder, target=None, **changes):
    settings = {"population": 4, "generations": 2, "parents": 2, "features": MeanColour, "size": SIZE}
    return Pick(teacher, target or {"share": 0.6}, folder=folder, **settings | changes)(net, batches(net))


def rows_of(folder) -> list[dict[str, str]]:
    with (folder / "candidates.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_picked_is_the_best_of_the_table_and_costs_what_the_table_says(supernet_and_teacher, tmp_path):
    net, teacher = supernet_and_teacher
    picked = picking(net, teacher, tmp_path / "run", by="mse")
    rows = rows_of(tmp_path / "run")
    best = min(rows, key=lambda row: float(row["mse"]))
    assert str(choice_of(picked).ngf) == best["ngf"]
    measured = cost(picked, SIZE)
    assert float(best["gmacs"]) == pytest.approx(measured["gmacs"], rel=1e-5)
    assert measured["gmacs"] <= 0.6 * cost(net, SIZE)["gmacs"]
    report = json.loads((tmp_path / "run" / "picked.json").read_text())
    assert report["widths"] == json.loads(json.dumps(choice_of(picked)._asdict()))
    assert report["candidates"] == len(rows) > 4


def test_a_search_that_was_cut_short_asks_nothing_twice(supernet_and_teacher, tmp_path, monkeypatch):
    net, teacher = supernet_and_teacher
    asked = []
    judge = Evaluator.__call__
    monkeypatch.setattr(Evaluator, "__call__", lambda self, choice: asked.append(choice) or judge(self, choice))
    whole = picking(net, teacher, tmp_path / "whole")
    assert len(asked) == len(set(asked)) == len(rows_of(tmp_path / "whole")) > 5
    table = (tmp_path / "whole" / "candidates.csv").read_text().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "candidates.csv").write_text("".join(table[:4]))
    asked.clear()
    assert choice_of(picking(net, teacher, tmp_path / "cut")) == choice_of(whole)
    assert len(asked) == len(table) - 4
    assert rows_of(tmp_path / "cut") == rows_of(tmp_path / "whole")


def test_a_front_has_what_nothing_is_better_than_at_its_cost_or_less():
    first, *_ = WidthSpace(**SPACE).ladder(1)
    a, b, c, d = (first._replace(ngf=width) for width in (1, 2, 3, 4))
    costs = {a: 1.0, b: 2.0, c: 3.0, d: 3.0}
    mse = {a: 9.0, b: 9.5, c: 5.0, d: 4.0}
    assert front({choice: (costs[choice], Quality(mse[choice], 0.0)) for choice in costs}, "mse") == [a, d]


def test_mixed_is_the_mean_rank_in_both():
    qualities = [Quality(1.0, 30.0), Quality(2.0, 10.0), Quality(3.0, 20.0)]
    assert scores(qualities, "mixed") == [2.0, 1.5, 2.5]
    assert scores(qualities, "fd") == [30.0, 10.0, 20.0]


def test_the_teacher_itself_is_no_error_away_from_itself(supernet_and_teacher):
    net, _ = supernet_and_teacher
    given = [inputs_of(net, seed, count=2) for seed in (1, 2)]
    evaluator = Evaluator(Supernet(net, WidthSpace(**SPACE)), net, given, given, MeanColour())
    widest = evaluator(choice_of(net))
    assert widest.mse == 0
    assert evaluator(Choice(1, (2, 3, 10, 5, 7), 3, (4, 6, 2))).mse > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": {"gmacs": 1e-9}}, r"target\.gmacs \(=1e-09\) is out of reach: the narrowest network"),
        ({"by": "ssim"}, r"by \(='ssim'\) must be one of mse, fd, mixed"),
        ({"target": {"gmacs": 1.0, "mib": 1.0}}, "must name one of gmacs, mib, latency_ms, share"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(supernet_and_teacher, tmp_path, changes, message):
    net, teacher = supernet_and_teacher
    with pytest.raises(ValueError, match=message):
        picking(net, teacher, tmp_path, **changes)


def test_a_network_that_is_no_supernet_and_a_teacher_of_other_data_are_refused(supernet_and_teacher, tmp_path):
    net, teacher = supernet_and_teacher
    stranger = net_of()
    stranger.trained_on = {"name": "drawn people", "fingerprint": "1"}
    save_net(stranger, tmp_path / "stranger.safetensors")
    with pytest.raises(ValueError, match="has learnt from drawn people, the supernet from shirts"):
        picking(net, tmp_path / "stranger.safetensors", tmp_path)
    net.held_widths = None
    with pytest.raises(ValueError, match="holds one network, no supernet"):
        picking(net, teacher, tmp_path)


class SlowGenerator(Clock):
    """A clock of a machine on which the generator's f32 is slow and int8 has a constant price."""

    def __init__(self, prices: Prices, precision: str = "auto", beyond: float = 1.25):
        super().__init__(SIZE)
        self.precisions = ["f32", "int8"] if precision == "auto" else [precision]
        self.prices, self.beyond, self.asked = prices, beyond, 0
        ends = [WidthSpace(**SPACE).narrowest(), WidthSpace(**SPACE).widest()]
        self.even = sum(prices.gmacs_by_part(choice)["generator"] for choice in ends) / 2  # where both cost the same

    def machine(self) -> dict:
        return {"cpu": "slow", "precisions": self.precisions}

    def __call__(self, nets) -> list[Times]:
        return [{precision: self.time(net, precision) for precision in self.precisions} for net in nets]

    def time(self, net, precision: str) -> BlockTimes:
        choice, price = choice_of(net), {"f32": (0.1, 2000), "int8": (0.1 + 1500 * self.even, 500)}[precision]
        gmacs = self.prices.gmacs_by_part(choice)
        blocks = {"encoders": 1 + 500 * gmacs["encoders"], "pyramids": 300 * gmacs["pyramids"], "flow": 0.5}
        blocks |= {"sampling": 0.2 * choice.fpn_channels, "generator": price[1] * gmacs["generator"], "rest": price[0]}
        self.asked += 1
        return BlockTimes(self.beyond * sum(blocks.values()), blocks)


def test_milliseconds_are_predicted_block_by_block_and_measured_once_a_machine(tmp_path):
    net, _ = sorted_by_importance(net_of())
    supernet = Supernet(net, WidthSpace(**SPACE))
    prices = Prices(supernet, SIZE)
    clock = SlowGenerator(prices)
    model = LatencyModel(supernet, prices, clock, tmp_path)
    narrowest, widest = supernet.space.narrowest(), supernet.space.widest()
    for choice, precision in itertools.product((narrowest, supernet.space.draw(), widest), ("f32", "int8")):
        asked = clock.time(supernet.extract(choice), precision).whole
        assert model.predicted(choice, precision) == pytest.approx(asked, rel=1e-6)
    assert max(model.error.values()) < 1e-6
    assert (model.fastest(narrowest), model.fastest(widest)) == ("f32", "int8")
    assert model(widest) == model.predicted(widest, "int8")
    again, other = SlowGenerator(prices), SlowGenerator(prices, "f32")
    assert LatencyModel(supernet, prices, again, tmp_path)(widest) == model(widest)
    assert again.asked == 0
    elsewhere = LatencyModel(supernet, prices, other, tmp_path)
    assert other.asked == len(model.table)
    other.beyond *= 1.5  # the machine is slower than it was
    reached, slower = elsewhere.check(supernet.extract(widest), "f32")
    assert slower == pytest.approx(1.5)
    assert reached / slower == pytest.approx(elsewhere(widest), rel=1e-6)


def test_the_work_of_the_parts_is_the_work_of_the_network():
    net, _ = sorted_by_importance(net_of())
    prices = Prices(Supernet(net, WidthSpace(**SPACE)), SIZE)
    assert sum(prices.gmacs_by_part(choice_of(net)).values()) == pytest.approx(cost(net, SIZE)["gmacs"])


@pytest.mark.parametrize("most", [0, -1.0, float("nan")])
def test_a_target_is_a_number_above_0(most):
    with pytest.raises(ValueError, match=r"target\.latency_ms \(=.*\) must be a number above 0"):
        Pick("teacher", {"latency_ms": most})


@pytest.mark.parametrize("settings", [{"population": 0}, {"parents": True}, {"seed": -1}, {"population": 10**9}])
def test_settings_of_the_search_that_cannot_be_are_refused(settings):
    with pytest.raises(ValueError, match=rf"{next(iter(settings))} \(="):
        Pick("teacher", {"share": 0.5}, **settings)
