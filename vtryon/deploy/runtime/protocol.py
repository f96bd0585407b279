"""What every runtime is: person, cloth and cloth_edge in, image and flow out, as tensors."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from torch import Tensor

Batch = tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]


class RuntimeUnfitError(ValueError):
    """A backend, a file and a precision that do not go together, or a runtime that is not installed."""


class ImageFlow(NamedTuple):
    """The outputs of a runtime: float32, on the CPU or on the network's device."""

    image: Float[Tensor, "b 3 h w"]  # the try-on, [-1, 1]
    flow: Float[Tensor, "b 2 h w"]  # absolute sampling grid in [-1, 1]


@runtime_checkable
class Runtime(Protocol):
    """A network, ready to run."""

    def __call__(
        self, person: Float[Tensor, "b 3 h w"], cloth: Float[Tensor, "b 3 h w"], cloth_edge: Float[Tensor, "b 1 h w"]
    ) -> ImageFlow:
        """One batch; pictures in [-1, 1], the edge 0 or 1."""

    def stream(self, batches: Iterable[Batch]) -> Iterator[ImageFlow]:
        """Many batches; results come in their order, computed several at a time where there are several streams."""

    def convolutions(self) -> dict[str, int]:
        """How many convolutions are computed in which type, as the runtime itself reports."""


def arrays_of(pictures: Batch) -> tuple[np.ndarray, ...]:
    """Tensors as the arrays that a runtime of files reads."""
    return tuple(tensor.float().contiguous().numpy() for tensor in pictures)
