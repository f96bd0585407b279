"""Likeness to one picture that others are compared with again and again: its own means and variances are taken once."""

import torch
from jaxtyping import Float
from torch import Tensor

from vtryon.metrics.likeness import WINDOW, Likeness

DEVIATION = 1.5  # pixels, of the Gaussian window
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # Wang et al.'s constants


class LikenessTo:
    """What `likeness` says to `truth`, to rounding, in a third of the time or less.

    The window is a product of two: means over windows are two multiplications by banded matrices. On the 8-bit scale,
    rounded or not.
    """

    def __init__(self, truth: Float[Tensor, "1 3 h w"]):
        self.truth = truth
        self.down, self.across = (_windows(side, truth) for side in truth.shape[2:])
        self.mean = self._mean(truth)
        self.variance = self._mean(truth.square()) - self.mean.square()

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> Likeness:
        mean = self._mean(image)
        variance = self._mean(image.square()) - mean.square()
        together = self._mean(image * self.truth) - mean * self.mean
        light = (2 * mean * self.mean + C1) / (mean.square() + self.mean.square() + C1)
        shape = (2 * together + C2) / (variance + self.variance + C2)
        mse = (image - self.truth).double().square().mean((1, 2, 3))
        return Likeness((light * shape).double().mean((1, 2, 3)), 10 * (255**2 / mse).log10(), mse)

    def _mean(self, x: Tensor) -> Tensor:
        """Over the windows that lie inside the picture."""
        return self.down @ x @ self.across.T


def _windows(side: int, like: Tensor) -> Float[Tensor, "n side"]:
    """A line for each place of a window along an axis: its weights."""
    steps = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weights = torch.exp(-steps.square() / (2 * DEVIATION**2))
    lines = torch.zeros(side - WINDOW + 1, side, dtype=torch.float64)
    for place in range(len(lines)):
        lines[place, place : place + WINDOW] = weights / weights.sum()
    return lines.to(like)
