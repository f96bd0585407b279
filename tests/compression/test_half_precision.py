"""Halves are rounded once, counted and saved as two bytes, and read back to the same numbers."""

import pytest
import torch
from narrow import answer, net_of

from vtryon.compression.half_precision import HalfWeights
from vtryon.metrics.cost import cost
from vtryon.models.checkpoint import load_net, save_net


@pytest.mark.parametrize("kind", ["fp16", "bf16"])
def test_a_halved_network_takes_half_and_comes_back_as_it_was(kind, tmp_path):
    net, halved = net_of(), HalfWeights(kind)(net_of())
    save_net(net, tmp_path / "whole.safetensors")
    save_net(halved, tmp_path / "half.safetensors")
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.56 * sizes[1]
    price = [cost(each, (64, 64)) for each in (halved, net)]
    assert price[0]["mib"] == pytest.approx(price[1]["mib"] / 2, rel=0.01)
    assert price[0]["params_m"] == price[1]["params_m"]
    back = load_net(tmp_path / "half.safetensors")
    assert all(torch.equal(one, other) for one, other in zip(answer(halved), answer(back), strict=True))


def test_fp16_rounds_finer_than_bf16_and_both_leave_the_network_as_it_was():
    net = net_of()
    usual = answer(net)[0]
    off = {kind: (answer(HalfWeights(kind)(net))[0] - usual).abs().mean() for kind in ("fp16", "bf16")}
    assert 0 < off["fp16"] < off["bf16"] < 0.1 * usual.std()
    assert torch.equal(answer(net)[0], usual)


def test_what_leaves_the_range_of_fp16_is_named():
    net = net_of()
    net.generator.model.model[0].weight.data[0] = 1e6
    with pytest.raises(ValueError, match=r"generator.model.model.0.weight holds numbers beyond the range of fp16"):
        HalfWeights("fp16")(net)
    HalfWeights("bf16")(net)
    with pytest.raises(ValueError, match=r"kind \(='fp8'\) must be one of fp16, bf16"):
        HalfWeights("fp8")
