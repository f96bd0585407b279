"""A try-on network whose parts are torch's int8 kernels, and the conversion of a part."""

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.ao.quantization as tq
from torch import Tensor, nn
from torch.ao.nn import quantized as int8
from torch.ao.quantization.fx.custom_config import PrepareCustomConfig
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

from vtryon.models.quantized.parts import Float
from vtryon.models.quantized.policy import ACTIVATION_RANGE, WEIGHT_RANGE, Int8Policy
from vtryon.models.tryon import TryOn, TryOnNet


class Int8TryOnNet(TryOnNet):
    """A try-on network with int8 parts; it computes on the CPU, wherever the pictures lie.

    Args:
        net: with converted parts.
        architecture: of the float network, as the header of its file has it.
        policy: by which the parts were converted.
    """

    def __init__(self, net: TryOnNet, architecture: dict, policy: Int8Policy):
        super().__init__(net.warp.cpu(), net.generator.cpu())
        self.architecture, self.policy = architecture, policy
        self.trained_on = net.trained_on
        self.eval().requires_grad_(False)

    def forward(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> TryOn:
        """As `TryOnNet`."""
        try_on = super().forward(person.cpu(), cloth.cpu(), cloth_edge.cpu())
        return TryOn(*(_to(value, person.device) for value in try_on))

    def _apply(self, fn: Callable, recurse: bool = True) -> "Int8TryOnNet":
        return self  # torch has int8 kernels for CPUs only, so the weights stay where they are

    def int8_convolutions(self) -> int:
        """How many convolutions are int8 kernels."""
        return sum(isinstance(layer, int8.Conv2d) for layer in self.modules())  # ConvReLU2d is one


def to_int8(module: nn.Module) -> nn.Module:
    """An int8 part of the same layers as a float one, without ranges: weights and scales are to be loaded into it."""
    return convert_observed(with_observers(module))


def with_observers(module: nn.Module) -> nn.Module:
    """A copy of a float part with norms folded, which records the ranges of its activations."""
    low, high = WEIGHT_RANGE
    weights = tq.default_per_channel_weight_observer.with_args(quant_min=low, quant_max=high)
    low, high = ACTIVATION_RANGE
    activations = tq.MinMaxObserver.with_args(dtype=torch.quint8, quant_min=low, quant_max=high)
    observers = tq.QConfig(activations, weights)
    plan = tq.QConfigMapping().set_global(observers)
    custom = PrepareCustomConfig().set_non_traceable_module_classes([Float])
    with without_torch_warnings():
        return prepare_fx(copy.deepcopy(module).eval(), plan, (None,), prepare_custom_config=custom)


def convert_observed(module: nn.Module) -> nn.Module:
    """The int8 part with the ranges that `with_observers` recorded."""
    with without_torch_warnings():
        return convert_fx(module)


def stored_bytes(module: nn.Module) -> int:
    """Bytes of the tensors of `module`: one for an int8 weight, and a scale for each of its output channels."""
    narrow, total = storage_type(module), 0
    for value in module.state_dict().values():
        if isinstance(value, Tensor):
            total += _bytes(value.to(narrow) if narrow and value.is_floating_point() else value)
    return total


def set_storage_type(module: nn.Module, narrow: torch.dtype) -> nn.Module:
    """Count and save the floats of `module`, which must be of `narrow`'s values already, in that type."""
    for submodule in module.modules():
        submodule.storage_type = narrow
    return module


def storage_type(module: nn.Module) -> torch.dtype | None:
    """The type that `set_storage_type` chose, if it did."""
    return getattr(module, "storage_type", None)


def raise_without_kernels() -> None:
    """
    Raises:
        RuntimeError: this build of torch computes nothing in int8.
    """
    if torch.backends.quantized.engine in (None, "none"):
        raise RuntimeError(
            "this build of torch has no int8 kernels (torch.backends.quantized.engine is "
            f"{torch.backends.quantized.engine!r}); let OpenVINO or ONNX Runtime run the network, or take a build with "
            "onednn, fbgemm or qnnpack"
        )


@contextmanager
def without_torch_warnings() -> Iterator[None]:
    """Ignore torch's notices that its int8 moves to another package: a dozen at each call."""
    with warnings.catch_warnings():
        for category in (UserWarning, FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", category)
        yield


def _bytes(value: Tensor) -> int:
    if not value.is_quantized:
        return value.nbytes
    return value.numel() + 4 * (len(value) if value.qscheme() == torch.per_channel_affine else 1)


def _to(value: Tensor | tuple[Tensor, ...], device: torch.device) -> Tensor | tuple[Tensor, ...]:
    return tuple(level.to(device) for level in value) if isinstance(value, tuple) else value.to(device)
