"""Screening of filters: its estimate is the damage's derivative, and its table says how far it can be trusted."""

import csv

import pytest
import torch
from few_pairs import FewPairs, seen
from narrow import inputs_of, net_of

from vtryon.compression.sensitivity.channels import layers_of
from vtryon.compression.sensitivity.filters import PUBLISHED
from vtryon.compression.sensitivity.scores import Unpruned, levels, score_filters
from vtryon.compression.sensitivity.screening import FilterScreening, estimated_mse
from vtryon.report.figures.sensitivity import draw

SHARED = ("warp.cond_FPN.smooth.4", "warp.image_FPN.adaptive.2", "generator.model.model.0")


def read(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("layer", [PUBLISHED[0].replace("?", "1").replace("[12]", "2").replace("*", "cond"), *SHARED])
def test_the_estimate_is_the_mse_of_a_filter_that_goes_by_a_thousandth(layer):
    net = net_of().double()
    inputs, (chosen,) = inputs_of(net), layers_of(net, [layer], 4)
    (estimate,) = estimated_mse(net, inputs, [chosen], probes=200)
    share, derivatives = 1e-3, []
    with torch.no_grad():
        picture = levels(net(*inputs).image)
        for number, occurrences in enumerate(chosen.filters):
            hooks = []
            for place in occurrences:
                module, channels = net.get_submodule(place.layer), list(place.channels)

                def dim(features, channels=channels):
                    features = features.clone()
                    features[:, channels] *= 1 - share
                    return features

                if place.read:
                    hooks.append(module.register_forward_pre_hook(lambda _, given, dim=dim: dim(given[0])))
                else:
                    hooks.append(module.register_forward_hook(lambda _, given, out, dim=dim: dim(out)))
            change = (levels(net(*inputs).image) - picture) / share
            for hook in hooks:
                hook.remove()
            derivative = float((change**2).mean())
            derivatives.append(derivative)
            assert float(estimate[number]) == pytest.approx(derivative, rel=0.5)  # five deviations of 200 probes
    assert max(derivatives) > 0  # some filters of a random network are silent


PROBES = ((200, 0), (2, 1), (32, 2))  # how many, and the seed of their signs


@pytest.mark.slow
def test_more_probes_make_a_better_estimate():
    net = net_of()
    inputs, layers = inputs_of(net), layers_of(net, PUBLISHED, 3)
    truth, few, many = (torch.cat(estimated_mse(net, inputs, layers, probes, seed)) for probes, seed in PROBES)
    few_off, many_off = (((estimate - truth)[truth > 0] / truth[truth > 0]).abs().mean() for estimate in (few, many))
    assert many_off < 0.6 * few_off


@pytest.fixture(scope="module")
def screened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    about = FilterScreening(filters=3, pairs=2, probes=4, exact=4, sample=6)(net_of(), FewPairs(), folder)
    return folder, about


def test_all_filters_are_estimated_and_the_highest_estimates_measured(screened):
    folder, about = screened
    estimates, measured = read(folder / "screening.csv"), read(folder / "sensitivity.csv")
    assert len(estimates) == 2 * 20 * 3 == 2 * about["filters"]
    assert len(measured) == 2 * about["measured"]
    assert 6 <= about["measured"] <= 10
    means = {}
    for row in estimates:
        means.setdefault((row["layer"], row["filter"]), []).append(float(row["estimated_mse"]))
    worst = sorted(means, key=lambda name: -sum(means[name]))[:4]
    assert set(worst) <= {(row["layer"], row["filter"]) for row in measured}
    assert -1 <= about["rank_correlation_on_sample"] <= 1


def test_what_is_measured_is_what_the_whole_analysis_measures(screened):
    row = read(screened[0] / "sensitivity.csv")[0]
    net, inputs = net_of().eval(), [pictures[:1] for pictures in seen(FewPairs())]
    (layer,) = layers_of(net, [row["layer"]], 3)
    with torch.inference_mode():
        (score,) = score_filters(net, inputs, Unpruned(net(*inputs)), layer, [int(row["filter"])])
    assert float(row["mse"]) == pytest.approx(score["mse"], rel=1e-4)


def test_a_second_call_measures_nothing_and_says_the_same(screened, monkeypatch):
    folder, about = screened
    monkeypatch.setattr("vtryon.compression.sensitivity.screening.estimated_mse", None)
    monkeypatch.setattr("vtryon.compression.sensitivity.screening.score_filters", None)
    screening = FilterScreening(filters=3, pairs=2, probes=4, exact=4, sample=6)
    assert screening(net_of(), FewPairs(), folder) == about


def test_the_figure_and_the_ranking_are_drawn(screened):
    folder, about = screened
    findings = draw(folder, about["kind"])
    ranked = read(folder / "figures" / "filters.csv")
    estimates = [float(row["estimated_mse"]) for row in ranked]
    assert estimates == sorted(estimates, reverse=True)
    assert len(ranked) == about["filters"]
    assert sum(row["mse"] != "" for row in ranked) == about["measured"]
    assert (folder / "figures" / "screening.png").is_file()
    assert len(findings["key_players"]) == 5


def test_the_network_is_left_as_it_was():
    net, before = net_of(), net_of().state_dict()
    estimated_mse(net, inputs_of(net), layers_of(net, PUBLISHED, 1), probes=1)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(weight.grad is None for weight in net.parameters())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in net.modules())


@pytest.mark.parametrize("wrong", [{"exact": 0}, {"sample": 2}])
def test_impossible_counts_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} "):
        FilterScreening(**wrong)
    with pytest.raises(ValueError, match="probes"):
        estimated_mse(net_of(), (), (), probes=0)
