"""Answers of imaginary networks, and the arithmetic of the losses' goldens in plain numpy."""

import numpy as np
import torch

from vtryon.losses.warping import Target
from vtryon.models.afwm import Warp
from vtryon.models.tryon import TryOn

SIZES = [(4, 4), (8, 8), (16, 16), (32, 32), (64, 64)]  # of the flows; features and offsets have half of it


def draw(r, *shape):
    return torch.from_numpy(r.uniform(-1, 1, shape))


def answer(seed: int, batch: int = 2, channels: int = 3) -> TryOn:
    """float64, all of it random; flows reach a little outside the picture."""
    r = np.random.RandomState(seed)
    flows = tuple(1.1 * draw(r, batch, 2, *size) for size in SIZES)
    features = tuple(draw(r, batch, channels, h // 2, w // 2) for h, w in SIZES)
    offsets = tuple(3 * draw(r, batch, 2, h // 2, w // 2) for h, w in SIZES for _ in range(2))
    image, warped, rendered = (draw(r, batch, 3, 64, 64) for _ in range(3))
    edge, mask = ((draw(r, batch, 1, 64, 64) + 1) / 2 for _ in range(2))
    return TryOn(image, warped, edge, rendered, mask, flows[-1], flows, offsets, features)


def warp_of(a: TryOn) -> Warp:
    return Warp(a.warped_cloth, a.flow, a.flows, a.offsets, a.person_features)


def garment(seed: int = 5, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    r = np.random.RandomState(seed)
    return draw(r, batch, 3, 64, 64), (draw(r, batch, 1, 64, 64) > 0).double()


def target(seed: int = 6, batch: int = 2) -> Target:
    r = np.random.RandomState(seed)
    person, edge = draw(r, batch, 3, 64, 64), (draw(r, batch, 1, 64, 64) > 0).double()
    return Target(person, person * edge, edge)


def far(pairs):
    """In the place of a perceptual loss: asymmetric, and unlike any L1."""
    return [((prediction - 2 * target) ** 2).mean() for prediction, target in pairs]


def numpy_far(prediction, target):
    return np.mean((prediction - 2 * target) ** 2)


def numpy_l1(one, other):
    return np.mean(np.abs(one - other))


def numpy_sample(image, flow, zeros=False):
    """Bilinear, corner-aligned; outside lies the nearest border pixel, or zero."""
    b, c, h, w = image.shape
    out = np.zeros((b, c, *flow.shape[2:]))
    for n in range(b):
        x, y = (flow[n, 0] + 1) / 2 * (w - 1), (flow[n, 1] + 1) / 2 * (h - 1)
        if not zeros:
            x, y = np.clip(x, 0, w - 1), np.clip(y, 0, h - 1)
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        for i in (0, 1):
            for j in (0, 1):
                weight = (1 - abs(x - left - i)) * (1 - abs(y - top - j))
                inside = (left + i >= 0) & (left + i < w) & (top + j >= 0) & (top + j < h)
                picked = image[n][:, np.clip(top + j, 0, h - 1), np.clip(left + i, 0, w - 1)]
                out[n] += picked * weight * inside
    return out


def numpy_shrink(image, size):
    """Every output pixel is the mean of the four input pixels around its centre, as bilinear without antialias."""
    step = image.shape[-1] // size
    if step == 1:
        return image
    low = np.arange(size) * step + step // 2 - 1
    return sum(image[:, :, low + i][:, :, :, low + j] for i in (0, 1) for j in (0, 1)) / 4


def numpy_second_order(flow):
    middle = 2 * flow[:, :, 1:-1, 1:-1]
    pairs = [((1, 0), (1, 2)), ((0, 1), (2, 1)), ((0, 0), (2, 2)), ((0, 2), (2, 0))]  # opposite neighbours
    h, w = flow.shape[2:]

    def at(y, x):
        return flow[:, :, y : y + h - 2, x : x + w - 2]

    bends = np.stack([at(*one) + at(*other) - middle for one, other in pairs], axis=2)
    cost = (bends**2 + 1e-6) ** 0.45
    return cost[:, 0].mean() + cost[:, 1].mean()


def numpy_total_variation(offset):
    return np.abs(np.diff(offset, axis=2)).mean() + np.abs(np.diff(offset, axis=3)).mean()


def numpy_warp_loss(a: TryOn, cloth, edge, goal: Target) -> dict[str, float]:
    """pfafn's L_warp by the formula, terms apart."""
    cloth, edge = (cloth * edge).numpy(), edge.numpy()
    terms = {"total_variation": 0.01 * sum(numpy_total_variation(offset.numpy()) for offset in a.offsets)}
    terms |= dict.fromkeys(("cloth", "cloth_perceptual", "edge", "second_order"), 0.0)
    for k, flow in enumerate(flow.numpy() for flow in a.flows):
        size = flow.shape[-1]
        moved = numpy_sample(numpy_shrink(cloth, size), flow)
        moved_edge = numpy_sample(numpy_shrink(edge, size), flow, zeros=True)
        worn, worn_edge = numpy_shrink(goal.cloth.numpy(), size), numpy_shrink(goal.edge.numpy(), size)
        terms["cloth"] += (k + 1) * numpy_l1(moved, worn)
        terms["cloth_perceptual"] += (k + 1) * 0.2 * numpy_far(moved, worn)
        terms["edge"] += (k + 1) * 2 * numpy_l1(moved_edge, worn_edge)
        terms["second_order"] += (k + 1) * 6 * numpy_second_order(flow)
    return terms
