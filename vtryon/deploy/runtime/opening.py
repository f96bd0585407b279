"""One call for every runtime: person, cloth and cloth_edge in, image and flow out.

`open_runtime` gives torch, torch.compile, ONNX Runtime or OpenVINO the same network. The result is called like the
network, batch by batch, or streams many batches, several at a time.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from torch import Tensor

from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet

BACKENDS = ("torch", "compile", "onnx", "openvino")
PRECISIONS = ("f32", "bf16", "int8")
FILES = {"onnx": ".onnx", "openvino": ".xml"}
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


def open_runtime(
    source: TryOnNet | Path,
    backend: str = "torch",
    precision: str = "f32",
    size: tuple[int, int] = (256, 192),
    batch: int = 1,
    threads: int | None = None,
    streams: int = 1,
    cache: Path | None = None,
) -> Runtime:
    """Make a network, or a file of `vtryon export`, ready to run.

    Args:
        source: a network in evaluation mode, for any backend; or an .onnx or .xml file.
        precision: the type in which convolutions compute. A file quantized to int8 computes its other operations in
            f32 when it is opened as "int8", and in bf16 when it is opened as "bf16".
        size: (height, width), fixed from here on, as `batch` is; a smaller batch is padded.
        threads: in all; None takes what torch has.
        streams: batches that are computed at the same time, each by its share of the threads (onnx, openvino).
        cache: folder of OpenVINO's compiled models.

    Raises:
        RuntimeUnfitError: naming the arguments that do not go together, and the remedy.
    """
    _check(source, backend, precision, streams)
    try:
        if backend in ("torch", "compile"):
            from vtryon.deploy.runtime.torch_runtime import TorchRuntime

            return TorchRuntime(source, precision, threads, compiled=backend == "compile")
        if backend == "onnx":
            from vtryon.deploy.runtime.onnx_runtime import OnnxRuntime, onnx_of

            return OnnxRuntime(onnx_of(source, size), threads, streams)
        from vtryon.deploy.runtime.openvino_runtime import OpenVINORuntime, openvino_of

        return OpenVINORuntime(openvino_of(source, size), precision, size, batch, threads, streams, cache)
    except ImportError as error:
        raise RuntimeUnfitError(
            f'backend={backend!r}: {error}; install it with: pip install "vtryon[deploy]"'
        ) from error


def arrays_of(pictures: Batch) -> tuple[np.ndarray, ...]:
    """Tensors as the arrays that a runtime of files reads."""
    return tuple(tensor.float().contiguous().numpy() for tensor in pictures)


def _check(source: TryOnNet | Path, backend: str, precision: str, streams: int) -> None:
    if backend not in BACKENDS:
        raise RuntimeUnfitError(f"backend={backend!r} must be one of {BACKENDS}")
    if precision not in PRECISIONS:
        raise RuntimeUnfitError(f"precision={precision!r} must be one of {PRECISIONS}")
    if streams < 1 or (streams > 1 and backend not in FILES):
        raise RuntimeUnfitError(f"streams={streams} with backend={backend!r}: 1, or more with one of {tuple(FILES)}")
    if isinstance(source, Path):
        suffix = FILES.get(backend)
        if source.suffix != suffix:
            raise RuntimeUnfitError(f"{source}: backend={backend!r} reads {suffix or 'a network, and no file'}")
        if not source.is_file():
            raise RuntimeUnfitError(f"{source}: no such file; make it with: vtryon export --run DIR --to {backend}")
    elif precision == "int8" and not (backend == "torch" and isinstance(source, Int8TryOnNet)):
        raise RuntimeUnfitError("precision='int8' needs a quantized file: vtryon export --run DIR --precision int8")
    if backend == "onnx" and precision == "bf16":
        raise RuntimeUnfitError("backend='onnx' computes f32 or int8 on a CPU, not bf16; take openvino or torch")
