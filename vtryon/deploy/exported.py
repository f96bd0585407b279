"""A file of `vtryon export --to openvino` that dresses people: opened in half a second, without torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from vtryon.deploy.runtime.arrays import INPUTS
from vtryon.deploy.runtime.openvino_arrays import HINTS, OpenVINOArrays
from vtryon.deploy.runtime.openvino_core import core


class Exported(NamedTuple):
    """A file, ready to run, and what it tells of itself."""

    runtime: OpenVINOArrays
    size: tuple[int, int]  # (height, width) of its pictures
    trained_on: Mapping[str, str] | None  # as `TryOnNet.trained_on`


def open_exported(
    file: Path,
    precision: str = "f32",
    batch: int = 1,
    threads: int | None = None,
    streams: int = 1,
    cache: Path | None = None,
) -> Exported:
    """Open an .xml file, whose weights lie beside it as .bin.

    Args:
        precision: as `OpenVINOArrays` takes it, as the arguments after it; the convolutions of a file that was
            quantized to int8 compute in int8 in any case.

    Raises:
        ValueError: the file is none of `vtryon export`, or cannot be opened so.
        FileNotFoundError: it, or its weights, are not there.
    """
    if precision not in HINTS:
        raise ValueError(f"precision={precision!r} must be one of {tuple(HINTS)}")
    for needed in (file, file.with_suffix(".bin")):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed}: no such file; make both with: vtryon export --run DIR --to openvino")
    try:
        model = core().read_model(file)
        size = tuple(int(side.get_length()) for side in list(model.input(INPUTS[0]).partial_shape)[2:])
        card = json.loads(model.get_rt_info(["vtryon", "card"]).astype(str))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{file}: no file of `vtryon export --to openvino` ({str(error).splitlines()[0]})") from error
    runtime = OpenVINOArrays(model, precision, size, batch, threads, streams, cache)
    return Exported(runtime, size, card.get("trained_on"))
