"""One call for every runtime: person, cloth and cloth_edge in, image and flow out.

`open_runtime` gives torch, torch.compile, ONNX Runtime or OpenVINO the same network. The result is called like the
network, batch by batch, or streams many batches, several at a time.
"""

from pathlib import Path

from vtryon.deploy.runtime.protocol import Runtime, RuntimeUnfitError
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet

BACKENDS = ("torch", "compile", "onnx", "openvino")
PRECISIONS = ("f32", "bf16", "int8")
FILES = {"onnx": ".onnx", "openvino": ".xml"}


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

        model, options = openvino_of(source, size), {"threads": threads, "streams": streams, "cache": cache}
        return OpenVINORuntime(model, precision, size, batch, **options)
    except ImportError as error:
        raise RuntimeUnfitError(
            f'backend={backend!r}: {error}; install it with: pip install "vtryon[deploy]"'
        ) from error


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
