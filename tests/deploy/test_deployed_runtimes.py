"""An int8 network is int8 on every runtime, says the same on each, and is small on disk."""

import pytest
import torch
from narrow import net_of
from quantized_nets import int8_net, pictures

from vtryon.compression.half_precision import HalfWeights
from vtryon.deploy.runtime.deployed_runtimes import deploy_all, latency_of

SIZE = (64, 64)


@pytest.mark.nightly
def test_every_runtime_computes_in_int8_what_torch_computes_in_int8(tmp_path):
    net = int8_net()
    runtimes = deploy_all(net, SIZE, 2, tmp_path)
    assert set(runtimes) == {"torch", "onnx", "openvino"}
    with torch.no_grad():
        said = net(*pictures()).image
    for name, runtime in runtimes.items():
        assert runtime.convolutions["int8"] == net.int8_convolutions() == 145, name
        assert runtime.convolutions["f32"] == 11, name
        near = (runtime.run(*pictures()).image - said).abs()
        assert (near <= 0.05).float().mean() >= 0.99, name
        assert latency_of(runtime, SIZE)["times_faster"] > 0, name
    assert runtimes["openvino"].mib < 1.1 * runtimes["torch"].mib  # neither holds float weights


@pytest.mark.nightly
@pytest.mark.parametrize(("kind", "computed"), [("fp16", "f32"), ("bf16", None)])
def test_halves_are_half_on_disk_and_say_what_the_rounded_network_says(kind, computed, tmp_path):
    halved = HalfWeights(kind)(net_of())
    runtimes = deploy_all(halved, SIZE, 2, tmp_path)
    with torch.no_grad():
        said = halved(*pictures()).image
    assert (runtimes["torch"].run(*pictures()).image - said).abs().max() == 0
    assert (runtimes["openvino"].run(*pictures()).image - said).abs().mean() < 0.05
    if computed:
        assert set(runtimes["openvino"].convolutions) == {computed}
        assert runtimes["openvino"].mib < 0.6 * sum(value.nbytes for value in net_of().state_dict().values()) / 2**20
