"""What runtimes of exported files read and give: plain arrays, so that a file is run without torch."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

INPUTS, OUTPUTS = ("person", "cloth", "cloth_edge"), ("image", "flow")  # names in every exported file

Arrays = tuple[  # as INPUTS: pictures in [-1, 1], the edge 0 or 1
    Float32[np.ndarray, "b 3 h w"], Float32[np.ndarray, "b 3 h w"], Float32[np.ndarray, "b 1 h w"]
]


class Answers(NamedTuple):
    """As OUTPUTS."""

    image: Float32[np.ndarray, "b 3 h w"]  # the try-on, [-1, 1]
    flow: Float32[np.ndarray, "b 2 h w"]  # absolute sampling grid in [-1, 1]


def padded(pictures: Sequence[np.ndarray], batch: int) -> list[np.ndarray]:
    """Pictures filled up with empty ones to a batch of fixed size."""
    missing = batch - len(pictures[0])
    if missing < 0:
        raise ValueError(f"{len(pictures[0])} pictures, and the runtime was opened for batches of {batch}")
    return [np.pad(array, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else array for array in pictures]
