"""Fake quantisation by neural-compressor, part by part: its 2.x interface, which releases from 3.8 on have no more.

Four things of neural-compressor 3.7 are got round: layers that its `op_name_dict` calls fp32 are quantised all the
same, the global default taking their place, so layers are kept float by `Float`, which its tracer does not enter; the
weights in there are fake-quantised nevertheless; what it leaves float it turns into bfloat16 on some CPUs; and where a
CPU lacks VNNI it halves the range of activations, which the converted network then exceeds; here that of weights is.
"""

import logging

import torch
from torch import nn
from torch.ao.nn import quantized as int8

from vtryon.nn.quantised import WEIGHTS, Float, hushed


class FakeQuantised:
    """Parts on their way through neural-compressor, each with the manager that converts it in the end."""

    def __init__(self):
        self.managers: list = []

    def insert(self, part: nn.Module) -> nn.Module:
        """The part with fake-quantisers after every operation and on every weight; it trains as any other."""
        kept = {name: layer.layer for name, layer in part.named_modules() if isinstance(layer, Float)}
        for name in kept:
            part.get_submodule(name).layer = nn.Identity()  # a convolution in there would get a fake-quantised weight
        with hushed():
            config, prepare = _neural_compressor()
            manager = prepare(part, config())
            manager.adaptor.use_bf16 = False
            manager.model.kwargs = {"prepare_custom_config_dict": {"non_traceable_module_class": [Float]}}
            manager.callbacks.on_train_begin()
        for name, layer in kept.items():
            manager.model.model.get_submodule(name).layer = layer
        self.managers.append(manager)
        _prepare_weights(manager.model.model)
        return manager.model.model

    def convert(self) -> dict[nn.Module, nn.Module]:
        """Fake-quantised part → int8 part, of all that were inserted."""
        found = {}
        for manager in self.managers:
            trained = manager.model.model.cpu().eval()
            with hushed():
                manager.callbacks.on_train_end()
                found[trained] = _clamped(manager.model.model)
        self.managers = []
        return found


def _clamped(part: nn.Module) -> nn.Module:
    """An int8 part whose weights stay in the range they were trained in; torch converts into all of int8's."""
    for layer in part.modules():
        if isinstance(layer, int8.Conv2d):
            weight, bias = layer.weight(), layer.bias()
            within = weight.int_repr().clamp(*WEIGHTS)
            scales, zeros = weight.q_per_channel_scales(), weight.q_per_channel_zero_points()
            layer.set_weight_bias(torch._make_per_channel_quantized_tensor(within, scales, zeros, 0), bias)
    return part


def _prepare_weights(part: nn.Module) -> None:
    """Ranges as the kernels bear them, and a scale for each output channel from the start.

    Torch would make room for the scales in memory that holds anything.
    """
    for layer in part.modules():
        fake = getattr(layer, "weight_fake_quant", None)
        if fake is not None and fake.is_per_channel:
            fake.scale.resize_(len(layer.weight)).fill_(1)
            fake.zero_point.resize_(len(layer.weight)).zero_()
            for rounding in (fake, fake.activation_post_process):
                rounding.quant_min, rounding.quant_max = WEIGHTS


def _neural_compressor() -> tuple:
    try:
        from neural_compressor import QuantizationAwareTrainingConfig
        from neural_compressor.adaptor import pytorch
        from neural_compressor.training import prepare_compression
    except ImportError as error:
        raise ImportError(
            f"{error}; quantisation-aware training needs neural-compressor of a release with the 2.x interface: "
            'pip install "vtryon[inc]"'
        ) from error
    logging.getLogger("neural_compressor").setLevel(logging.WARNING)
    pytorch.REDUCE_RANGE = False
    return QuantizationAwareTrainingConfig, prepare_compression
