"""Cost of the published network, and of its parts."""

import pytest
import torch

from vtryon.metrics.cost import cost
from vtryon.models.afwm import AFWM
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet, TutorNet


@pytest.fixture(scope="module")
def published():
    with torch.device("meta"):
        return TryOnNet(AFWM(), ResUnetGenerator())


def test_published_network_costs_what_was_counted_on_the_released_code(published):
    row = cost(published, (256, 192))
    assert row["params_m"] == 73.204384
    assert row["cwm/params_m"] == 29.304416
    assert row["igm/params_m"] == 43.899968
    assert row["encoder/params_m"] == 9.374278
    assert row["correlation_gmacs"] == pytest.approx(0.205, abs=5e-4)
    assert row["cwm/gmacs"] - row["correlation_gmacs"] == pytest.approx(46.894, abs=5e-4)
    assert row["igm/gmacs"] == pytest.approx(21.906, abs=5e-4)
    assert row["encoder/gmacs"] == pytest.approx(6.618, abs=5e-4)
    assert row["gmacs"] == pytest.approx(row["cwm/gmacs"] + row["igm/gmacs"])
    assert row["cwm/mib"] * 2**20 == 117_290_816
    assert row["igm/mib"] * 2**20 == 175_692_888
    assert row["encoder/mib"] == pytest.approx(35.8, abs=0.05)  # the paper's 35.8


def test_published_tutor_costs_what_was_counted_on_the_released_code():
    with torch.device("meta"):
        row = cost(TutorNet(AFWM(cond_channels=45), ResUnetGenerator(in_channels=8)))
    assert (row["cwm/params_m"], row["igm/params_m"]) == (29.328692, 43.900544)
    assert row["cwm/gmacs"] - row["correlation_gmacs"] == pytest.approx(47.191, abs=5e-4)
    assert row["igm/gmacs"] == pytest.approx(21.913, abs=5e-4)


def test_correlation_costs_49_products_a_channel_and_place(published):
    places = sum(256 * 192 // 4**level for level in range(1, 6))
    assert cost(published)["correlation_gmacs"] == 49 * 256 * places / 1e9


def test_cost_follows_width_size_and_type_and_leaves_the_network_as_it_was():
    net = TryOnNet(
        AFWM(channels=(8, 8, 8, 8, 8), fpn_channels=8, flow_channels=(8, 8, 8)),
        ResUnetGenerator(ngf=2),
    )
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    small, large = cost(net, (64, 64)), cost(net, (128, 64))
    assert large["gmacs"] == pytest.approx(2 * small["gmacs"])
    assert large["mib"] == small["mib"]
    assert net.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())
    assert cost(net.half(), (64, 64))["params_m"] == small["params_m"]
    assert cost(net, (64, 64))["mib"] == pytest.approx(small["mib"] / 2, rel=0.02)  # counters stay int64
