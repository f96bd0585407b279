"""Perceptual loss: how far apart two images are in the features of a pretrained network (Johnson et al., ECCV 2016)."""

import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vtryon.models.features.efficientnet import EfficientNetLite0Taps
from vtryon.models.features.vgg import VGG19Taps
from vtryon.models.layers.winograd import with_winograd
from vtryon.models.precision import at_least_single

VGG_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
# A fifth over each tap's mean activation on photographs, so that every level adds a fifth of its relative change.
EFFICIENTNET_WEIGHTS = (0.2 / 7.9, 0.2 / 9.4, 0.2 / 8.0, 0.2 / 6.1, 0.2 / 2.2)


class Perceptual(nn.Module):
    r"""The L1 distance of features, summed over taps.

    .. math:: L(x, y) = \sum_k w_k \, \mathrm{mean} |\phi_k(x) - \phi_k(y)|

    No gradient goes to the target. Taps that a small image does not have are left out of the sum.

    Args:
        features: a frozen network, image in [-1, 1] to a tuple of taps, with a `name`.
        weights: one for each tap, finest first.
    """

    def __init__(self, features: nn.Module, weights: Sequence[float] = VGG_WEIGHTS):
        super().__init__()
        self.features, self.weights, self.name = features, tuple(weights), features.name

    def forward(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """A loss for each (prediction, target), in order; pairs of one size share one pass, equal targets one row."""
        losses: dict[int, Tensor] = {}
        for size in {prediction.shape[1:] for prediction, _ in pairs}:
            members = [index for index, (prediction, _) in enumerate(pairs) if prediction.shape[1:] == size]
            losses.update(
                zip(
                    members,
                    self._same_size([pairs[index] for index in members]),
                    strict=True,
                )
            )
        return [losses[index] for index in range(len(pairs))]

    def _same_size(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        for prediction, target in pairs:
            if prediction.shape != target.shape:
                raise ValueError(f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must be alike")
        targets = list({id(target): target for _, target in pairs}.values())
        with torch.no_grad():
            target_features = dict(zip(map(id, targets), self._features(targets), strict=True))
        prediction_features = self._features([prediction for prediction, _ in pairs])
        return [
            self._distance(taps, target_features[id(target)])
            for taps, (_, target) in zip(prediction_features, pairs, strict=True)
        ]

    def _features(self, images: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        taps = self.features(torch.cat(list(images)))
        counts = [len(image) for image in images]
        return list(zip(*(tap.split(counts) for tap in taps), strict=True))

    def _distance(self, prediction_taps: tuple[Tensor, ...], target_taps: tuple[Tensor, ...]) -> Tensor:
        differences = (
            (at_least_single(prediction) - at_least_single(target)).abs()
            for prediction, target in zip(prediction_taps, target_taps, strict=True)
        )
        return sum(weight * difference.mean() for weight, difference in zip(self.weights, differences, strict=False))


class NoPerceptual(nn.Module):
    """In the place of a perceptual loss: zero for every pair."""

    name = "none"

    def forward(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        return [prediction.new_zeros(()) for prediction, _ in pairs]


def vgg19(path: str | os.PathLike | None = None) -> Perceptual:
    """As published with PF-AFN; `path` is torchvision's `vgg19-dcbb9e9d.pth` where it is not in torch's cache."""
    return by_vgg(VGG19Taps(path))


def by_vgg(features: VGG19Taps) -> Perceptual:
    """The loss by these features; their wide convolutions, most of a training step's work, then go by Winograd."""
    with_winograd(features.frozen.net)
    return Perceptual(features, VGG_WEIGHTS)


def efficientnet_lite0() -> Perceptual:
    """With weights that a package ships, for runs that have nothing else."""
    return Perceptual(EfficientNetLite0Taps(), EFFICIENTNET_WEIGHTS)


def none() -> NoPerceptual:
    """No perceptual loss."""
    return NoPerceptual()
