"""Export of a try-on network to ONNX or OpenVINO: a file that maps person, cloth and edge to the try-on.

Every file is read back and compared with the network before it is put in place.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vtryon.deploy.export.formats import FORMATS, ExportedFiles, ExportRequest
from vtryon.deploy.export.known_data import known_pairs
from vtryon.deploy.export.model_card import card
from vtryon.deploy.export.pairs import Judged, Pair, drawn_judged
from vtryon.deploy.export.parity import IMAGE, Outputs, difference, outputs_of
from vtryon.deploy.runtime.opening import open_runtime
from vtryon.metrics.image_similarity import image_similarity
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.utils.image import to_uint8

PRECISIONS = ("f32", "f16", "int8")


def export(
    net: TryOnNet,
    path: str | Path,
    size: tuple[int, int] = (256, 192),
    precision: str = "f32",
    batch: int | None = None,
    calibration: Sequence[Pair] | None = None,
    run: Path | None = None,
    data: Path | None = None,
) -> dict[str, Any]:
    """Write `path` (.onnx or .xml), beside it its card and checks as PATH.json, and return those.

    Args:
        size: (height, width), fixed from here on.
        precision: of the weights in the file: f32; f16, which runtimes widen again; or int8 (`Int8Policy`), features as
            well.
        batch: pictures at a time, or None for any number.
        calibration: person, cloth, cloth_edge from which int8 learns the ranges of features; else `known_pairs`, of the
            data that the run names. A network that was trained in int8 has its ranges.
        run: the folder of the run that trained the network, for the card and for the data.
        data: a folder of people and garments, for `known_pairs` in place of the run's.

    Raises:
        ValueError: no such format or precision, no calibration pair, or outputs other than the network's; no file is
            left then.
    """
    path = Path(path)
    _check_arguments(net, path, precision, batch, calibration)
    model_card = card(net, size, batch, run)
    judged = drawn_judged(size)
    if precision == "int8" and calibration is None:
        pairs = known_pairs(net, size, run, data)
        calibration, judged = None if isinstance(net, Int8TryOnNet) else pairs.calibration, pairs.judged
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder, path.name)
        request = ExportRequest(net, size, batch, precision == "f16", calibration, json.dumps(model_card))
        written = FORMATS[path.suffix](request, draft)
        report = {"card": model_card, "checks": _checks(net, draft, written, size, precision, judged)}
        checked = draft.with_name(f"{draft.name}.json")  # a.onnx and a.xml may lie side by side
        checked.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        for file in (*written.files[1:], checked, draft):  # what names the others comes last
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


def _checks(
    net: TryOnNet, file: Path, written: ExportedFiles, size: tuple[int, int], precision: str, judged: Judged
) -> dict[str, Any]:
    runtime = open_runtime(file, written.backend, "int8" if precision == "int8" else "f32", size)
    expected, exported = outputs_of(net, judged.pairs), outputs_of(runtime, judged.pairs)
    measured = difference(exported, expected)
    if not measured.image_max <= {"f32": IMAGE}.get(precision, 2):  # `not`, so that a NaN is refused
        raise ValueError(
            f"the exported graph's image is off by {measured.image_max:.2g} from the network's: no file written"
        )
    ssim = image_similarity(_images(exported), _images(expected)).ssim
    scores = {
        "ssim": float(ssim.mean()),
        "ssim_worst": float(ssim.min()),
        "worst_pair": judged.names[int(ssim.argmin())],
    }
    return {
        "file": file.name,
        "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in written.files},
        "mib": sum(path.stat().st_size for path in written.files) / 2**20,
        "precision": precision,
        "operators": written.operators,
        "convolutions": runtime.convolutions(),
        "against_torch": {"pairs": len(judged.pairs), "of": judged.source, **scores, **measured._asdict()},
    }


def _images(outputs: Sequence[Outputs]) -> Tensor:
    return torch.cat([to_uint8(torch.from_numpy(image)) for image, _ in outputs])
