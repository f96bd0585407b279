"""int8 networks: which parts, how small, how near, and the same again from their file."""

import copy
import json
import struct

import pytest
import torch
from narrow import answer, inputs_of, net_of
from quantized_nets import int8_net, pictures
from safetensors import safe_open
from torch import nn
from torch.ao.nn import quantized as int8
from torch_pruning.pruner.importance import MagnitudeImportance

from vtryon.compression.pruning import Pruning
from vtryon.metrics.cost import cost
from vtryon.models.checkpoint import CheckpointError, load_net, save_net
from vtryon.models.quantized.dequantized import dequantized
from vtryon.models.quantized.network import (
    Int8TryOnNet,
    raise_without_kernels,
    stored_bytes,
    to_int8,
    without_torch_warnings,
)
from vtryon.models.quantized.policy import WEIGHT_RANGE, Int8Policy

WIDE = {"channels": (16, 24, 32, 32, 32), "fpn_channels": 32, "flow_channels": (32, 16, 8)}


@pytest.fixture(scope="module")
def whole() -> Int8TryOnNet:
    return int8_net()


def test_a_saved_int8_network_says_bit_for_bit_what_it_said_before(whole, tmp_path):
    save_net(whole, tmp_path / "int8.safetensors")
    back = load_net(tmp_path / "int8.safetensors")
    assert isinstance(back, Int8TryOnNet)
    assert all(torch.equal(one, other) for one, other in zip(answer(whole), answer(back), strict=True))
    assert back.int8_convolutions() == whole.int8_convolutions()
    save_net(back, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "int8.safetensors").read_bytes()


def test_a_file_holds_int8_weights_and_no_pickle(whole, tmp_path):
    save_net(whole, tmp_path / "int8.safetensors")
    with safe_open(tmp_path / "int8.safetensors", framework="pt") as file:
        weights = file.get_tensor("int8")
    convolutions = [layer for layer in net_of().modules() if isinstance(layer, nn.Conv2d)]
    heads = [layer for layers in net_of().output_layers().values() for layer in layers]
    assert len(heads) == 11
    assert len(weights) == sum(c.weight.numel() for c in convolutions) - sum(h.weight.numel() for h in heads)
    assert weights.dtype == torch.int8


def test_every_convolution_is_int8_but_what_the_parts_say_last(whole):
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in net_of().modules())
    assert whole.int8_convolutions() == convolutions - 11
    floats = [name for name, layer in whole.named_modules() if isinstance(layer, nn.Conv2d)]
    assert len(floats) == 11
    assert all(name.endswith(".6.layer") for name in floats)


@pytest.mark.slow
@pytest.mark.parametrize(("scope", "part", "other"), [("warp", "cwm", "igm"), ("generator", "igm", "cwm")])
def test_a_scope_leaves_the_other_module_as_it_was(scope, part, other):
    net = net_of(ngf=8, **WIDE)
    price, before = cost(int8_net(scope, net), (64, 64)), cost(net, (64, 64))
    assert price[f"{part}/mib"] < 0.3 * before[f"{part}/mib"]
    assert price[f"{other}/mib"] == before[f"{other}/mib"]
    assert price["gmacs"] == before["gmacs"]
    assert price["params_m"] == before["params_m"]


def test_int8_takes_at_most_27_hundredths_of_the_float_file(tmp_path):
    net = net_of(ngf=8, **WIDE)
    save_net(net, tmp_path / "float.safetensors")
    save_net(int8_net(net=net), tmp_path / "int8.safetensors")
    assert (tmp_path / "int8.safetensors").stat().st_size < 0.27 * (tmp_path / "float.safetensors").stat().st_size


@pytest.mark.slow
def test_a_network_of_another_structure_keeps_it(tmp_path):
    net = int8_net(net=net_of(flow_levels=4, shared=True, separable=True))
    save_net(net, tmp_path / "net.safetensors")
    loaded = load_net(tmp_path / "net.safetensors")
    assert loaded.warp.shared
    assert len(loaded.warp.aflow_net.netMain) == 4
    assert torch.equal(loaded(*pictures()).image, net(*pictures()).image)


def test_a_pruned_network_keeps_its_widths(tmp_path):
    pruned = Pruning(0.4, scope="all", importance=MagnitudeImportance(), round_to=1)(net_of())
    save_net(int8_net(net=pruned), tmp_path / "int8.safetensors")
    back = load_net(tmp_path / "int8.safetensors")
    assert cost(back, (64, 64))["params_m"] == cost(pruned, (64, 64))["params_m"]
    assert torch.isfinite(back(*inputs_of(back)).image).all()


def test_int8_weights_stay_on_the_cpu_and_in_their_type(whole):
    scales = stored_bytes(whole)
    assert whole.double().to("meta") is whole
    assert stored_bytes(whole) == scales
    assert torch.isfinite(whole(*inputs_of(net_of())).image).all()


def test_a_file_of_other_widths_is_refused(whole, tmp_path):
    path = tmp_path / "int8.safetensors"
    save_net(whole, path)
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    said = json.loads(header["__metadata__"]["vtryon"])
    said["generator"]["ngf"] = 2
    header["__metadata__"]["vtryon"] = json.dumps(said)
    changed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(changed)) + changed + content[8 + length :])
    with pytest.raises(CheckpointError, match=r"int8 part .* does not fit: int8 must hold \d+ numbers"):
        load_net(path)


def test_an_unknown_scope_and_a_pattern_without_a_layer_are_named():
    with pytest.raises(ValueError, match=r"scope \(='head'\) must be one of none, warp, generator, all"):
        Int8Policy("head")
    with pytest.raises(ValueError, match=r"keep_float names 'warp.nothing', which matches no layer"):
        Int8Policy("generator", ["warp.nothing"]).replace(net_of(), to_int8)


def test_a_layer_without_an_int8_kernel_is_named_and_can_be_kept_float():
    net = net_of()
    net.generator.model.model[1] = nn.GELU()
    with pytest.raises(ValueError, match=r"generator: model.model.1 is a GELU, for which there is no int8 kernel"):
        Int8Policy("generator").replace(net, to_int8)
    net = net_of()
    net.generator.model.model[1] = nn.GELU()
    Int8Policy("generator", ["generator.model.model.1"]).replace(net, to_int8)
    assert any(isinstance(layer, nn.GELU) for layer in net.generator.modules())


def test_without_int8_kernels_the_other_runtimes_are_named(monkeypatch):
    monkeypatch.setattr(torch.backends.quantized.__class__, "engine", "none")
    with pytest.raises(RuntimeError, match=r"no int8 kernels .* OpenVINO or ONNX Runtime"):
        raise_without_kernels()


def test_no_weight_is_so_large_that_a_bright_picture_overflows(whole):
    """Products with 8-bit activations, added in pairs, must fit in 16 bits: there CPUs without VNNI add them."""
    for layer in (layer for layer in whole.modules() if isinstance(layer, int8.Conv2d)):
        assert 2 * 255 * layer.weight().int_repr().int().abs().max() < 2**15


def test_the_heaviest_convolution_of_a_white_picture_is_exact():
    weight = torch.full((8, 16, 3, 3), max(WEIGHT_RANGE), dtype=torch.int8)
    scales, zeros = torch.full((8,), 1e-3, dtype=torch.double), torch.zeros(8, dtype=torch.long)
    with without_torch_warnings():
        kernel = int8.Conv2d(16, 8, 3, bias=False)
        kernel.set_weight_bias(torch._make_per_channel_quantized_tensor(weight, scales, zeros, 0), None)
        kernel.scale = 16 * 9 * 64 * 1e-3 / 255
        white = torch.quantize_per_tensor(torch.ones(1, 16, 8, 8), 1 / 255, 0, torch.quint8)
    assert (kernel(white).int_repr() == 255).all()


def test_the_network_in_floats_shows_the_same_picture_and_a_nearer_one_than_without_rounding(whole):
    """Not in every digit: values on the border of two steps fall to either side, and spread (test_int8_kernels)."""
    rounded, unrounded = dequantized(whole), dequantized(whole, rounding=False)
    near, far, spread = torch.zeros(3)
    for seed in range(4):
        pictures = inputs_of(net_of(), seed)
        with torch.no_grad():
            image = whole(*pictures).image
            near += (rounded(*pictures).image - image).abs().mean()
            far += (unrounded(*pictures).image - image).abs().mean()
        spread += image.std()
    assert near < 0.02 * spread
    assert near < far < 0.2 * spread


def test_an_operation_without_a_form_in_floats_is_named(whole):
    part = copy.deepcopy(whole)
    graph = part.generator.graph
    node = next(node for node in graph.nodes if node.target is torch.cat)
    node.target = torch.stack
    part.generator.recompile()
    with pytest.raises(ValueError, match=r"cat.* is .*stack.*, which has no form in floats here"):
        dequantized(part)
