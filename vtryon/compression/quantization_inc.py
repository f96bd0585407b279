"""Fake quantization by neural-compressor, part by part: its 2.x interface, which releases from 3.8 on have no more.

Four faults of neural-compressor 3.7 are worked around. It quantizes layers that its `op_name_dict` declares fp32, so
float layers are wrapped in `Float`, which its tracer does not enter; it fake-quantizes the weights in there
nevertheless, so they are taken out before; it turns float layers into bfloat16 on some CPUs; and where a CPU lacks VNNI
it halves the range of activations, which the converted network then exceeds: here the range of weights is halved.
"""

import logging
from typing import Any

import torch
import torch.ao.quantization as tq
from torch import nn
from torch.ao.nn import quantized as int8

from vtryon.models.precision import InSingle
from vtryon.models.quantized.network import without_torch_warnings
from vtryon.models.quantized.parts import Float
from vtryon.models.quantized.policy import ACTIVATION_RANGE, WEIGHT_RANGE


class FakeQuantized:
    """The parts that are trained with fake quantization, each with neural-compressor's manager that converts it."""

    def __init__(self):
        self.managers: dict[InSingle, Any] = {}

    def insert(self, module: nn.Module) -> InSingle:
        """The module with fake-quantizers after every operation and on every weight; it trains as any other.

        It computes in float32 under autocast as well: bfloat16 would round beside the steps of int8.
        """
        float_layers = {name: layer.layer for name, layer in module.named_modules() if isinstance(layer, Float)}
        for name in float_layers:
            module.get_submodule(name).layer = nn.Identity()  # a convolution in there would get a fake-quantized weight
        with without_torch_warnings():
            config, prepare = _neural_compressor()
            manager = prepare(module, config())
            manager.adaptor.use_bf16 = False
            manager.model.kwargs = {"prepare_custom_config_dict": {"non_traceable_module_class": [Float]}}
            manager.callbacks.on_train_begin()
        for name, layer in float_layers.items():
            manager.model.model.get_submodule(name).layer = layer
        _prepare_ranges(manager.model.model)
        trained = InSingle(manager.model.model)
        self.managers[trained] = manager
        return trained

    def convert(self) -> dict[nn.Module, nn.Module]:
        """All inserted parts, as {fake-quantized part: int8 part}."""
        int8_parts = {}
        for trained, manager in self.managers.items():
            trained.cpu().eval()
            with without_torch_warnings():
                manager.callbacks.on_train_end()
                int8_parts[trained] = _clamped(manager.model.model)
        self.managers = {}
        return int8_parts


def _clamped(module: nn.Module) -> nn.Module:
    """An int8 part whose weights stay in the range they were trained in; torch converts into all of int8's."""
    for layer in module.modules():
        if isinstance(layer, int8.Conv2d):
            weight, bias = layer.weight(), layer.bias()
            within = weight.int_repr().clamp(*WEIGHT_RANGE)
            scales, zeros = weight.q_per_channel_scales(), weight.q_per_channel_zero_points()
            layer.set_weight_bias(torch._make_per_channel_quantized_tensor(within, scales, zeros, 0), bias)
    return module


def _prepare_ranges(module: nn.Module) -> None:
    """Set the policy's ranges, and a scale of 1 for each output channel.

    Torch would leave the memory of new scales uninitialised.
    """
    for layer in module.modules():
        fake = getattr(layer, "weight_fake_quant", None)
        if fake is not None and fake.is_per_channel:
            fake.scale.resize_(len(layer.weight)).fill_(1)
            fake.zero_point.resize_(len(layer.weight)).zero_()
            _keep_to(fake, WEIGHT_RANGE)
        if isinstance(layer, tq.FakeQuantize) and layer.dtype == torch.quint8:
            _keep_to(layer, ACTIVATION_RANGE)


def _keep_to(fake: tq.FakeQuantize, values: tuple[int, int]) -> None:
    for rounding in (fake, fake.activation_post_process):
        rounding.quant_min, rounding.quant_max = values


def _neural_compressor() -> tuple:
    try:
        from neural_compressor import QuantizationAwareTrainingConfig
        from neural_compressor.adaptor import pytorch
        from neural_compressor.training import prepare_compression
    except ImportError as error:
        raise ImportError(
            f"{error}; quantization-aware training needs neural-compressor of a release with the 2.x interface: "
            'pip install "vtryon[inc]"'
        ) from error
    logging.getLogger("neural_compressor").setLevel(logging.WARNING)
    pytorch.REDUCE_RANGE = False
    return QuantizationAwareTrainingConfig, prepare_compression
