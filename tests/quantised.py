"""Networks with int8 parts for tests: fake-quantised, trained a little, and converted."""

import copy

import torch
import torch.ao.quantization as tq
import torch.nn.functional as F
from narrow import inputs_of, net_of

from vtryon.compression.quantization_inc import FakeQuantised
from vtryon.nn.checkpoint import architecture_of
from vtryon.nn.quantised import Int8TryOnNet
from vtryon.nn.quantised_parts import HEADS, parts_of, replace_parts
from vtryon.nn.tryon import TryOnNet


def fake_quantised(net: TryOnNet, scope: str = "all", keep_float=HEADS) -> tuple[TryOnNet, FakeQuantised]:
    net, inserted = copy.deepcopy(net), FakeQuantised()
    replace_parts(net, parts_of(net, scope), keep_float, inserted.insert)
    return net, inserted


def observed(net: TryOnNet, batches: int = 3) -> TryOnNet:
    """Ranges are measured in a few passes, and stay."""
    with torch.no_grad():
        for seed in range(batches):
            net.train()(*inputs_of(net, seed, 2))
    net.apply(tq.disable_observer)
    return net.eval()


def converted(net: TryOnNet, inserted: FakeQuantised, like: TryOnNet, scope: str = "all") -> Int8TryOnNet:
    names = {module: name for name, module in net.named_modules()}
    for trained, done in inserted.convert().items():
        net.set_submodule(names[trained], done)
    return Int8TryOnNet(net, architecture_of(like), scope, HEADS)


def int8_net(scope: str = "all", net: TryOnNet | None = None) -> Int8TryOnNet:
    net = net or net_of()
    trained, inserted = fake_quantised(net, scope)
    return converted(observed(trained), inserted, net, scope)


def pictures(seed: int = 0, count: int = 1) -> tuple[torch.Tensor, ...]:
    """Smooth as photos are: of noise, a hundredth of a pixel of flow would already be a step of brightness."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 7, 8, 8, generator=draw) * 2 - 1
    fine = F.interpolate(coarse, size=(64, 64), mode="bilinear", align_corners=False)
    return fine[:, :3], fine[:, 3:6], (fine[:, 6:] > -0.5).float()
