"""A try-on network with int8 parts: what these look like before, between and after, and torch's kernels for them."""

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.ao.quantization as tq
from torch import Tensor, nn
from torch.ao.nn import quantized as int8
from torch.ao.quantization.fx.custom_config import PrepareCustomConfig
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

from vtryon.nn.tryon import TryOn, TryOnNet

# Of int8 weights, half of what a byte holds: a CPU without VNNI adds products with 8-bit activations in pairs, in 16
# bits that saturate: 2 · 255 · 64 fits, 2 · 255 · 127 does not. So a network says the same on every CPU.
WEIGHTS = (-64, 64)


class Float(nn.Module):
    """A layer that stays float whatever is around it: nothing looks inside."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Pyramid(nn.Module):
    """An encoder and the pyramid of its features, which pass from one to the other in int8."""

    def __init__(self, features: nn.Module, fpn: nn.Module):
        super().__init__()
        self.features, self.fpn = features, fpn

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        return self.fpn(self.features(picture))


class Passed(nn.Identity):
    """What is left where a pyramid was before it joined its encoder; it still tells the widths."""

    def __init__(self, channels: Sequence[int]):
        super().__init__()
        self.channels = list(channels)

    def widths(self) -> list[int]:
        return self.channels


class Int8TryOnNet(TryOnNet):
    """A try-on network with converted parts; it computes on the CPU, wherever the pictures lie.

    Args:
        net: with the parts in place.
        architecture: of the float network, as the header of its file has it.
        scope: which parts are int8, a key of `vtryon.nn.quantised_parts.SCOPES`.
        keep_float: patterns of layers in them that are not.
    """

    def __init__(self, net: TryOnNet, architecture: dict, scope: str, keep_float: Sequence[str]):
        super().__init__(net.warp.cpu(), net.generator.cpu())
        self.architecture, self.scope, self.keep_float = architecture, scope, tuple(keep_float)
        self.eval().requires_grad_(False)

    def forward(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> TryOn:
        """As `TryOnNet`."""
        answer = super().forward(person.cpu(), cloth.cpu(), cloth_edge.cpu())
        return TryOn(*(_to(value, person.device) for value in answer))

    def _apply(self, fn: Callable, recurse: bool = True) -> "Int8TryOnNet":
        return self  # torch has int8 kernels for CPUs only, so the weights stay where they are

    def int8_convolutions(self) -> int:
        """How many convolutions are int8 kernels."""
        return sum(isinstance(layer, int8.Conv2d) for layer in self.modules())  # ConvReLU2d is one


def as_int8(part: nn.Module) -> nn.Module:
    """A float part in the form that int8 weights and scales can be loaded into, whoever trained them."""
    with hushed():
        return convert_fx(watched(part))


def watched(part: nn.Module) -> nn.Module:
    """A copy of a float part, norms folded, that notes the ranges of what passes; `convert_fx` makes it int8."""
    weights = tq.default_per_channel_weight_observer.with_args(quant_min=WEIGHTS[0], quant_max=WEIGHTS[1])
    observers = tq.QConfig(tq.MinMaxObserver.with_args(dtype=torch.quint8), weights)
    plan = tq.QConfigMapping().set_global(observers)
    custom = PrepareCustomConfig().set_non_traceable_module_classes([Float])
    with hushed():
        return prepare_fx(copy.deepcopy(part).eval(), plan, (None,), prepare_custom_config=custom)


def stored_bytes(module: nn.Module) -> int:
    """What the tensors of `module` take: an int8 weight a byte, and a scale for each of its output channels."""
    narrow = storage_of(module)
    values = [value for value in module.state_dict().values() if isinstance(value, Tensor)]
    return sum(_bytes(value.to(narrow) if narrow and value.is_floating_point() else value) for value in values)


def stored_in(module: nn.Module, narrow: torch.dtype) -> nn.Module:
    """Have the floats of `module`, which must be of `narrow`'s values already, counted and saved in that type."""
    for part in module.modules():
        part.stored_in = narrow
    return module


def storage_of(module: nn.Module) -> torch.dtype | None:
    """The type that `stored_in` chose, if it did."""
    return getattr(module, "stored_in", None)


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
def hushed() -> Iterator[None]:
    """Torch deprecates its own int8 in favour of another package, with a dozen warnings at each call."""
    with warnings.catch_warnings():
        for category in (UserWarning, FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", category)
        yield


def _bytes(value: Tensor) -> int:
    if not value.is_quantized:
        return value.nbytes
    return value.numel() + 4 * (len(value) if value.qscheme() == torch.per_channel_affine else 1)


def _to(value: Tensor | tuple[Tensor, ...], device: torch.device) -> Tensor | tuple[Tensor, ...]:
    return tuple(part.to(device) for part in value) if isinstance(value, tuple) else value.to(device)
