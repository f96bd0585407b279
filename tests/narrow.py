"""Narrow networks whose layers all differ in width, and what they say to a fixed input."""

import torch
from torch import nn

from vtryon.models.afwm import AFWM
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import Agnostic, TryOnNet, TutorNet

NARROW = {"channels": (6, 8, 10, 12, 14), "fpn_channels": 8, "flow_channels": (8, 6, 4)}
GENERATOR_INNER = "generator.model.model.2.block.0"
BY_ROOT = {"group_reduction": "first", "normalizer": None}  # one convolution's own score, easily computed


def net_of(kind: type = TryOnNet, ngf: int = 4, keep: bool = False, **warp) -> TryOnNet:
    """Random, statistics and all, so that no norm hides a channel."""
    torch.manual_seed(0)
    cond, painted = {TryOnNet: (3, 7), TutorNet: (45, 8)}[kind]
    net = kind(AFWM(cond, **(NARROW | warp)), ResUnetGenerator(painted, ngf=ngf, keep=keep)).eval()
    for norm in (layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)):
        for value in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
            value.copy_(torch.rand(value.shape) + 0.5)
    return net


def inputs_of(net: TryOnNet, seed: int = 0, count: int = 1) -> tuple:
    draw, like = torch.Generator().manual_seed(seed), next(net.parameters())

    def picture(channels: int) -> torch.Tensor:
        return torch.rand(count, channels, 64, 64, generator=draw).to(like) * 2 - 1

    person = Agnostic(picture(45), picture(3), picture(1)) if isinstance(net, TutorNet) else picture(3)
    return person, picture(3), (picture(1) > -0.8).to(like)


def answer(net: TryOnNet) -> list[torch.Tensor]:
    with torch.no_grad():
        out = net(*inputs_of(net))
    return [out.image, out.flow, out.mask, out.rendered, *out.offsets]


def loss_of(net: TryOnNet, seed: int) -> torch.Tensor:
    return net(*inputs_of(net, seed)).image.square().mean()
