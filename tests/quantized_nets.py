"""Networks with int8 parts for tests: fake-quantized, trained a little, and converted."""

import copy

import torch
import torch.ao.quantization as tq
import torch.nn.functional as F
from narrow import inputs_of, net_of

from vtryon.compression.quantization_inc import FakeQuantized
from vtryon.models.checkpoint import architecture_of
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.quantized.policy import KEEP_FLOAT, Int8Policy
from vtryon.models.tryon import TryOnNet


def fake_quantized(net: TryOnNet, scope: str = "all", keep_float=KEEP_FLOAT) -> tuple[TryOnNet, FakeQuantized]:
    net, inserted = copy.deepcopy(net), FakeQuantized()
    Int8Policy(scope, keep_float).replace(net, inserted.insert)
    return net, inserted


def observed(net: TryOnNet, batches: int = 3) -> TryOnNet:
    """Ranges are measured in a few passes, and stay."""
    with torch.no_grad():
        for seed in range(batches):
            net.train()(*inputs_of(net, seed, 2))
    net.apply(tq.disable_observer)
    return net.eval()


def converted(net: TryOnNet, inserted: FakeQuantized, like: TryOnNet, scope: str = "all") -> Int8TryOnNet:
    names = {module: name for name, module in net.named_modules()}
    for trained, int8_part in inserted.convert().items():
        net.set_submodule(names[trained], int8_part)
    return Int8TryOnNet(net, architecture_of(like), Int8Policy(scope))


def int8_net(scope: str = "all", net: TryOnNet | None = None) -> Int8TryOnNet:
    net = net or net_of()
    trained, inserted = fake_quantized(net, scope)
    return converted(observed(trained), inserted, net, scope)


def pictures(seed: int = 0, count: int = 1) -> tuple[torch.Tensor, ...]:
    """Smooth as photos are: of noise, a hundredth of a pixel of flow would already be a step of brightness."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 7, 8, 8, generator=draw) * 2 - 1
    fine = F.interpolate(coarse, size=(64, 64), mode="bilinear", align_corners=False)
    return fine[:, :3], fine[:, 3:6], (fine[:, 6:] > -0.5).float()
