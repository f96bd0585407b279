"""Pairs from which a quantiser learns the ranges of features: training persons of a VITON folder in other garments."""

from pathlib import Path

import numpy as np

from vtryon.data.pairs import find_pairs
from vtryon.data.sample import collate, finish, worn_otherwise
from vtryon.data.viton import VitonSet, match_training
from vtryon.deploy.parity import Pair


def calibration_pairs(root: Path, size: tuple[int, int], count: int = 64) -> list[Pair]:
    """`count` pairs at (height, width), or all there are, spread evenly over the training set.

    Raises:
        DataError: the folder lacks what a training set has.
    """
    records = match_training(root, find_pairs(root, "train"))
    samples = VitonSet(records, size, draw_others=True)
    chosen = np.linspace(0, len(records) - 1, min(count, len(records))).round().astype(int)
    return [worn_otherwise(finish(collate([samples[int(index)]]))) for index in chosen]
