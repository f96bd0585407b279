"""An int8 network as three flat tensors, without pickle: weights, float numbers, zero points.

Their order is that of the rebuilt network's `state_dict`, so that tensors need no names: in narrow networks those would
take more than the weights.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vtryon.models.quantized.network import Int8TryOnNet, raise_without_kernels, to_int8, without_torch_warnings
from vtryon.models.quantized.policy import Int8Policy
from vtryon.models.tryon import TryOnNet

_COUNTER = "num_batches_tracked"  # of norms; only training reads it


def pack(net: Int8TryOnNet) -> dict[str, Tensor]:
    """The weights, scales, statistics and zero points of `net`: {"int8", "float32", "zero_points"}."""
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


def unpack(net: TryOnNet, policy: Int8Policy, tensors: dict[str, Tensor]) -> Int8TryOnNet:
    """The network whose tensors `pack` gave; `net` is the float one, with any weights.

    Raises:
        ValueError: the tensors are of another network.
        RuntimeError: this torch has no int8 kernels.
    """
    raise_without_kernels()
    policy.replace(net, to_int8)
    int8_net = Int8TryOnNet(net, {}, policy)
    _raise_unless_fits(pack(int8_net), tensors)
    positions = dict.fromkeys(tensors, 0)

    def take(name: str, count: int) -> Tensor:
        positions[name] += count
        return tensors[name][positions[name] - count : positions[name]]

    state = int8_net.state_dict()  # of a convolution without bias, that key holds None, and has to be there
    for key, value in _learnt(int8_net):
        state[key] = _filled(value, take)
    int8_net.load_state_dict(state)
    return int8_net


def _filled(like: Tensor, take: Callable[[str, int], Tensor]) -> Tensor:
    if not like.is_quantized:
        name = "float32" if like.is_floating_point() else "zero_points"
        return take(name, like.numel()).to(like.dtype).view(like.shape)
    scales = take("float32", len(like))
    weight = take("int8", like.numel()).view(like.shape)
    with without_torch_warnings():
        return torch._make_per_channel_quantized_tensor(weight, scales, torch.zeros(len(like), dtype=torch.long), 0)


def _learnt(net: Int8TryOnNet) -> Iterator[tuple[str, Tensor]]:
    for key, value in net.state_dict().items():
        if isinstance(value, Tensor) and not key.endswith(_COUNTER):
            yield key, value.detach()


def _flat(values: list[Tensor], dtype: torch.dtype) -> Tensor:
    return torch.cat([value.reshape(-1).to(dtype) for value in values] or [torch.empty(0, dtype=dtype)])


def _raise_unless_fits(expected: dict[str, Tensor], tensors: dict[str, Tensor]) -> None:
    for name, like in expected.items():
        tensor = tensors.get(name)
        if tensor is None or tensor.shape != like.shape or tensor.dtype != like.dtype:
            has = "nothing" if tensor is None else f"{len(tensor)} numbers of {tensor.dtype}"
            raise ValueError(f"{name} must hold {len(like)} numbers of {like.dtype}, and holds {has}")
