"""An int8 network is int8 on every runtime, says the same on each, and is small on disk."""

import pytest
import torch
from narrow import net_of
from quantised import int8_net, pictures

from vtryon.compression.halves import HalfWeights
from vtryon.deploy.engines import engines, latency_of

SIZE = (64, 64)


@pytest.mark.slow
def test_every_runtime_computes_in_int8_what_torch_computes_in_int8(tmp_path):
    net = int8_net()
    found = engines(net, SIZE, 2, tmp_path)
    assert set(found) == {"torch", "onnx", "openvino"}
    with torch.no_grad():
        said = net(*pictures()).image
    for name, engine in found.items():
        assert engine.convolutions["int8"] == net.int8_convolutions() == 145, name
        assert engine.convolutions["f32"] == 11, name
        near = (engine.ask(*pictures()).image - said).abs()
        assert (near <= 0.05).float().mean() >= 0.99, name
        assert latency_of(engine, SIZE)["times_faster"] > 0, name
    assert found["openvino"].mib < 1.1 * found["torch"].mib  # neither holds float weights


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "computed"), [("fp16", "f32"), ("bf16", None)])
def test_halves_are_half_on_disk_and_say_what_the_rounded_network_says(kind, computed, tmp_path):
    halved = HalfWeights(kind)(net_of())
    found = engines(halved, SIZE, 2, tmp_path)
    with torch.no_grad():
        said = halved(*pictures()).image
    assert (found["torch"].ask(*pictures()).image - said).abs().max() == 0
    assert (found["openvino"].ask(*pictures()).image - said).abs().mean() < 0.05
    if computed:
        assert set(found["openvino"].convolutions) == {computed}
        assert found["openvino"].mib < 0.6 * sum(value.nbytes for value in net_of().state_dict().values()) / 2**20
