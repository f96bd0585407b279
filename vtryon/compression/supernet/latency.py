"""Milliseconds of the networks of a supernet, predicted from a few of them that are measured."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import nnls

from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.widths import Choice
from vtryon.models.tryon import PARTS, TryOnNet

LADDER, DRAWN = 8, 16  # networks that are measured: from the narrowest to the widest, and at random


class LatencyModel:
    """A try-on takes a constant time, and a time for each multiply-accumulate of each part (`TryOnNet.parts`).

    Both are fitted, by least squares of relative errors and none below 0, to networks that are measured here and now.

    Args:
        supernet: whose networks are measured.
        prices: of the same supernet.
        measure: a network to milliseconds, such as `Target.price`.
        seed: of the networks drawn at random.
    """

    def __init__(self, supernet: Supernet, prices: Prices, measure: Callable[[TryOnNet], float], seed: int = 0):
        self.prices = prices
        generator, space = torch.Generator().manual_seed(seed), supernet.space
        choices = [*space.ladder(LADDER), *(space.draw(generator) for _ in range(DRAWN))]
        times = np.array([measure(supernet.extract(choice)) for choice in choices])
        terms = np.array([self._terms(choice) for choice in choices])
        self.factors, _ = nnls(terms / times[:, None], np.ones(len(times)))
        self.error = float(np.median(np.abs(terms @ self.factors / times - 1)))  # relative, of those measured

    def __call__(self, choice: Choice) -> float:
        return float(self._terms(choice) @ self.factors)

    def _terms(self, choice: Choice) -> np.ndarray:
        by_part = self.prices.gmacs_by_part(choice)
        return np.array([1.0, *(by_part[part] for part in PARTS)])
