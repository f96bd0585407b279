"""An int8 network as three flat tensors, without pickle: weights, float numbers, zero points.

Their order is that of the rebuilt network's `state_dict`, so that tensors need no names: in narrow networks those would
take more than the weights.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from vtryon.nn.quantised import Int8TryOnNet, as_int8, hushed, raise_without_kernels
from vtryon.nn.quantised_parts import parts_of, replace_parts
from vtryon.nn.tryon import TryOnNet

_COUNTER = "num_batches_tracked"  # of norms, which only training asks for


def packed(net: Int8TryOnNet) -> dict[str, Tensor]:
    """All that `net` has learnt: {"int8", "float32", "zero_points"}."""
    weights, numbers, zeros = [], [], []
    for _, value in _learnt(net):
        if value.is_quantized:
            weights.append(value.int_repr())
            numbers.append(value.q_per_channel_scales())
        else:
            (numbers if value.is_floating_point() else zeros).append(value)
    return {
        "int8": _flat(weights, torch.int8),
        "float32": _flat(numbers, torch.float32),
        "zero_points": _flat(zeros, torch.uint8),
    }


def restored(net: TryOnNet, scope: str, keep_float: Sequence[str], tensors: dict[str, Tensor]) -> Int8TryOnNet:
    """The network that `packed` these tensors, in torch's int8 kernels; `net` is the float one, with any weights.

    Raises:
        ValueError: the tensors are of another network.
        RuntimeError: this torch has no int8 kernels.
    """
    raise_without_kernels()
    replace_parts(net, parts_of(net, scope), keep_float, as_int8)
    whole = Int8TryOnNet(net, {}, scope, keep_float)
    _raise_unless_fits(packed(whole), tensors)
    places = dict.fromkeys(tensors, 0)

    def take(name: str, count: int) -> Tensor:
        places[name] += count
        return tensors[name][places[name] - count : places[name]]

    state = whole.state_dict()  # of a convolution without bias, that key holds None, and has to be there
    for key, value in _learnt(whole):
        state[key] = _filled(value, take)
    whole.load_state_dict(state)
    return whole


def _filled(like: Tensor, take) -> Tensor:
    if not like.is_quantized:
        name = "float32" if like.is_floating_point() else "zero_points"
        return take(name, like.numel()).to(like.dtype).view(like.shape)
    scales = take("float32", len(like))
    weight = take("int8", like.numel()).view(like.shape)
    with hushed():
        return torch._make_per_channel_quantized_tensor(weight, scales, torch.zeros(len(like), dtype=torch.long), 0)


def _learnt(net: Int8TryOnNet) -> Iterator[tuple[str, Tensor]]:
    for key, value in net.state_dict().items():
        if isinstance(value, Tensor) and not key.endswith(_COUNTER):
            yield key, value.detach()


def _flat(values: list[Tensor], dtype: torch.dtype) -> Tensor:
    return torch.cat([value.reshape(-1).to(dtype) for value in values] or [torch.empty(0, dtype=dtype)])


def _raise_unless_fits(own: dict[str, Tensor], tensors: dict[str, Tensor]) -> None:
    for name, value in own.items():
        found = tensors.get(name)
        if found is None or found.shape != value.shape or found.dtype != value.dtype:
            has = "nothing" if found is None else f"{len(found)} numbers of {found.dtype}"
            raise ValueError(f"{name} must hold {len(value)} numbers of {value.dtype}, and holds {has}")
