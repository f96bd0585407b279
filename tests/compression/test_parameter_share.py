"""A ratio of parameters takes that share of them, and a ratio of channels takes more."""

import pytest
from narrow import net_of

from vtryon.compression.parameter_share import count
from vtryon.compression.pruning import Pruning


@pytest.mark.parametrize("scope", ["generator", "warp"])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_of_parameters_the_share_goes_and_of_channels_more(scope, share):
    net = net_of(ngf=16)
    part = net.get_submodule(scope)
    by_parameters = Pruning(share, scope, round_to=1, ratio_of="parameters")(net).get_submodule(scope)
    by_channels = Pruning(share, scope, round_to=1)(net).get_submodule(scope)
    assert 1 - count(by_parameters) / count(part) == pytest.approx(share, abs=0.06)  # whole channels of narrow layers
    assert count(by_channels) < 0.95 * count(by_parameters)


def test_nothing_is_nothing_of_either():
    net = net_of(ngf=8)
    assert count(Pruning(0.0, "generator", ratio_of="parameters")(net)) == count(net)


@pytest.mark.parametrize("other", [{"steps": 2}, {"global_pruning": True}, {"ratios": {"generator.*": 0.1}}])
def test_what_cannot_be_shared_out_alike_is_refused(other):
    with pytest.raises(ValueError, match=r"ratio_of \(='parameters'\) goes with steps=1"):
        Pruning(0.3, ratio_of="parameters", **other)


def test_another_word_is_refused():
    with pytest.raises(ValueError, match=r"ratio_of \(='flops'\) must be one of channels, parameters"):
        Pruning(0.3, ratio_of="flops")
