"""Networks of odd widths, and whether two of them are the same."""

import torch

from vtryon.models.afwm import AFWM
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet, TutorNet

ODD = {
    "channels": (5, 9, 7, 6, 4),
    "fpn_channels": 6,
    "flow_channels": (7, 5, 3),
    "radius": 2,
}


def net_of(role: str, seed: int = 0) -> TryOnNet:
    torch.manual_seed(seed)
    build, cond, painted = {"student": (TryOnNet, 3, 7), "tutor": (TutorNet, 45, 8)}[role]
    net = build(AFWM(cond, **ODD), ResUnetGenerator(painted, ngf=3))
    for name, value in net.named_buffers():  # untouched statistics would hide a mix-up
        value.copy_(torch.rand(value.shape) + 0.5 if value.is_floating_point() else torch.tensor(len(name)))
    return net


def same(net, other) -> bool:
    mine, theirs = net.state_dict(), other.state_dict()
    return list(mine) == list(theirs) and all(torch.equal(mine[key], theirs[key]) for key in mine)
