"""Export of a try-on network to ONNX or OpenVINO: a file that maps person, cloth and edge to the try-on, checked.

Nothing is written that was not read back and compared with the network.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from vtryon.deploy.card import card
from vtryon.deploy.export_formats import FORMATS, Order, Written
from vtryon.deploy.parity import IMAGE, Pair, answers, distance, drawn_pairs
from vtryon.deploy.runtime import open_runtime
from vtryon.metrics.likeness import likeness
from vtryon.nn.image import to_uint8
from vtryon.nn.quantised import Int8TryOnNet
from vtryon.nn.tryon import TryOnNet, TutorNet

PRECISIONS = ("f32", "f16", "int8")


def export(
    net: TryOnNet,
    path: str | Path,
    size: tuple[int, int] = (256, 192),
    precision: str = "f32",
    batch: int | None = None,
    calibration: Sequence[Pair] | None = None,
    run: Path | None = None,
) -> dict[str, Any]:
    """Write `path` (.onnx or .xml), beside it its card and checks as .json, and return those.

    Args:
        size: (height, width), fixed from here on.
        precision: of the weights in the file: f32; f16, which runtimes widen again; or int8, features as well.
        batch: pictures at a time, or None for any number.
        calibration: person, cloth, cloth_edge from which int8 learns the ranges of features; else 64 procedural pairs.
            A network that was trained in int8 has its ranges.
        run: the folder of the run that trained the network, for the card.

    Raises:
        ValueError: no such format or precision, no calibration pair, or an answer other than the network's; no file is
            left then.
    """
    path = Path(path)
    _check_arguments(net, path, precision, batch, calibration)
    known = card(net, size, batch, run)
    if precision == "int8" and calibration is None and not isinstance(net, Int8TryOnNet):
        calibration = drawn_pairs(size, 64)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder, path.name)
        order = Order(net, size, batch, precision == "f16", calibration, json.dumps(known))
        written = FORMATS[path.suffix](order, draft)
        report = {"card": known, "checks": _checks(net, draft, written, size, precision)}
        draft.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        for file in (*written.files[1:], draft.with_suffix(".json"), draft):  # what names the others comes last
            shutil.move(file, path.parent / file.name)
    return report


def _check_arguments(net: TryOnNet, path: Path, precision: str, batch: int | None, calibration) -> None:
    if path.suffix not in FORMATS:
        raise ValueError(f"path={path} must end in one of {tuple(FORMATS)}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} must be one of {PRECISIONS}")
    if batch is not None and batch < 1:
        raise ValueError(f"batch={batch} must be at least 1, or None for any number")
    if calibration is not None and precision != "int8":
        raise ValueError(f"calibration is for precision='int8', and this is {precision!r}; leave it out")
    if calibration is not None and not len(calibration):
        raise ValueError("calibration holds no pair; int8 needs some dozens to learn the ranges of features from")
    if isinstance(net, Int8TryOnNet) and (precision != "int8" or calibration is not None):
        raise ValueError("net was trained in int8: export it with precision int8 and without calibration")
    if isinstance(net, TutorNet):
        raise ValueError("net is a tutor, which needs a parser's maps of the person; export a student")


def _checks(net: TryOnNet, file: Path, written: Written, size: tuple[int, int], precision: str) -> dict[str, Any]:
    runtime = open_runtime(file, written.backend, "int8" if precision == "int8" else "f32", size)
    pairs = drawn_pairs(size)
    expected, said = answers(net, pairs), answers(runtime, pairs)
    apart = distance(said, expected)
    if not apart.image_max <= {"f32": IMAGE}.get(precision, 2):  # not: a NaN is no answer either
        raise ValueError(
            f"the exported graph's image is off by {apart.image_max:.2g} from the network's: no file written"
        )
    images = [torch.cat([to_uint8(torch.from_numpy(image)) for image, _ in each]) for each in (said, expected)]
    return {
        "file": file.name,
        "sha256": {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in written.files},
        "mib": sum(each.stat().st_size for each in written.files) / 2**20,
        "precision": precision,
        "operators": written.operators,
        "convolutions": runtime.convolutions(),
        "against_torch": {"pairs": len(pairs), "ssim": float(likeness(*images).ssim.mean()), **apart._asdict()},
    }
