"""Differences between the outputs of an exported model and those of its network."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from vtryon.deploy.export.pairs import Pair

FLOW_PX, IMAGE = 0.01, 1e-4  # the largest differences that an exact export may have
Outputs = tuple[np.ndarray, np.ndarray]  # image, flow


class Difference(NamedTuple):
    """Over all pairs; the flow in pixels of the picture, x and y apart, the image in its own range of 2."""

    flow_max_px: float
    flow_mean_px: float
    image_max: float
    image_mean: float


def outputs_of(runtime: Callable, pairs: Sequence[Pair]) -> list[Outputs]:
    """Image and flow that a network in evaluation mode, or a runtime, gives for each pair."""
    with torch.no_grad():
        results = [runtime(*pair) for pair in pairs]
    return [(result.image.float().numpy(), result.flow.float().numpy()) for result in results]


def difference(outputs: Sequence[Outputs], expected: Sequence[Outputs]) -> Difference:
    """Largest and mean difference between two lists of outputs for the same pairs."""
    image_errors, flow_errors = [], []
    for (image, flow), (true_image, true_flow) in zip(outputs, expected, strict=True):
        image_errors.append(np.abs(image - true_image))
        flow_errors.append(np.abs(flow - true_flow) * _half_size(true_flow))
    return Difference(
        flow_max_px=float(np.max(flow_errors)),
        flow_mean_px=float(np.mean(flow_errors)),
        image_max=float(np.max(image_errors)),
        image_mean=float(np.mean(image_errors)),
    )


def check_parity(measured: Difference) -> None:
    """Raise ValueError where the graph's outputs are not those of the network; NaNs are refused too."""
    if not (measured.flow_max_px <= FLOW_PX and measured.image_max <= IMAGE):
        raise ValueError(
            f"the exported graph is off by flow={measured.flow_max_px:.2g} px (at most {FLOW_PX}) and "
            f"image={measured.image_max:.2g} (at most {IMAGE}) from the network: no file was written"
        )


def _half_size(flow: np.ndarray) -> np.ndarray:
    """Pixels per unit of a flow in [-1, 1]."""
    height, width = flow.shape[2:]
    return np.array([(width - 1) / 2, (height - 1) / 2], np.float32).reshape(1, 2, 1, 1)
