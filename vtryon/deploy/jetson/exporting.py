"""Export of a try-on network for a Jetson Nano: ONNX for TensorRT 8.2, a report, and what to run on the board."""

import copy
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from vtryon.deploy.energy import ESTIMATED, MACHINES, estimated_latency
from vtryon.deploy.export.pairs import Pair, drawn_pairs
from vtryon.deploy.export.parity import Difference, check_parity, difference, outputs_of
from vtryon.deploy.jetson import runner, tensorrt82
from vtryon.deploy.jetson.graph import board_graph
from vtryon.deploy.jetson.half_precision import coordinates, halve, name_coordinates, rounded
from vtryon.deploy.runtime.onnx_runtime import OnnxRuntime
from vtryon.metrics.cost import cost
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.utils.atomic import atomic_write

PRECISIONS = ("f32", "f16")
RUNNER = "jetson_runner.py"


def export_jetson(
    net: TryOnNet,
    path: str | Path,
    size: tuple[int, int] = (256, 192),
    precision: str = "f32",
    pairs: Sequence[Pair] | None = None,
) -> dict[str, Any]:
    """Write `path` (.onnx), beside it `path` with .json and `jetson_runner.py`, and return the report.

    The graph takes person, cloth (both [-1, 1]) and cloth_edge (0 or 1), batch 1, float32, and gives image and flow.

    Args:
        size: (height, width), fixed from here on.
        precision: "f32", from which TensorRT makes f16 engines as well, or "f16": half the bytes to carry and to read,
            weights and features in half precision, coordinates in single.
        pairs: person, cloth, cloth_edge to check the file with; two procedural ones where there are none.

    Raises:
        ValueError: an operator that TensorRT 8.2 lacks, or outputs other than the network's; no file is left.
    """
    path = Path(path)
    _check_arguments(net, path, size, precision)
    net = copy.deepcopy(net).float().cpu().eval().requires_grad_(False)
    pairs = pairs or drawn_pairs(size)  # a check without pairs would be none
    expected = outputs_of(net, pairs)
    graph = board_graph(net, size)
    name_coordinates(graph)
    tensorrt82.check(graph)
    parity = difference(outputs_of(OnnxRuntime(graph), pairs), expected)
    check_parity(parity)
    half = halve(graph, coordinates(graph))
    drift = {  # with coordinates in single precision, as the runner builds the engine, and without
        "coordinates_f32": difference(outputs_of(OnnxRuntime(rounded(half), exact=True), pairs), expected),
        "all_f16": difference(outputs_of(OnnxRuntime(rounded(halve(graph, ())), exact=True), pairs), expected),
    }
    model = {"f32": graph, "f16": half}[precision]
    tensorrt82.check(model)
    if precision == "f16":
        drift["file_in_onnxruntime"] = difference(outputs_of(OnnxRuntime(half), pairs), expected)
        _check_range(drift)
    report = _report(net, model, path, size, precision) | {
        "parity_f32": {"pairs": len(pairs), **parity._asdict()},
        "drift_f16": {name: measured._asdict() for name, measured in drift.items()},
    }
    _write(model, report, path)
    return report


def _check_arguments(net: TryOnNet, path: Path, size: tuple[int, int], precision: str) -> None:
    if any(length < 64 or length % 32 for length in size):
        raise ValueError(f"size={size} must be (height, width), multiples of 32 and at least 64: a Jetson's are fixed")
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} must be one of {PRECISIONS}: a Nano has no int8 arithmetic")
    if path.suffix != ".onnx":
        raise ValueError(f"path={path} must end in .onnx, which trtexec goes by")
    if isinstance(net, TutorNet):
        raise ValueError("net is a tutor, which needs a parser's maps of the person; export a student")


def _check_range(drift: dict[str, Difference]) -> None:
    for name in ("coordinates_f32", "file_in_onnxruntime"):
        if not drift[name].image_max <= 2:
            raise ValueError(
                f"in half precision the image is off by {drift[name].image_max} ({name}): an activation leaves "
                "float16's range of 65504; export with precision f32"
            )


def _report(net: TryOnNet, model: onnx.ModelProto, path: Path, size: tuple[int, int], precision: str) -> dict[str, Any]:
    price = cost(net, size)
    latency = {
        name: round(1e3 * estimated_latency(on, price["gmacs"], price["params_m"]), 1) for name, on in MACHINES.items()
    }
    return {
        "file": path.name,
        "sha256": hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest(),
        "bytes": model.ByteSize(),
        "precision": precision,
        "size": list(size),
        "opset": model.opset_import[0].version,
        "operators": dict(Counter(node.op_type for node in model.graph.node).most_common()),
        "tensorrt82": "every operator, type and shape is in its table",
        "gmacs": price["gmacs"],
        "params_m": price["params_m"],
        "latency_ms": {"basis": ESTIMATED, "by": "operations and weights, see vtryon.deploy.energy", **latency},
        "trtexec": trtexec(path.name),
        "runner": f"python3 {RUNNER} {path.name} --out board.json",
    }


def trtexec(name: str) -> str:
    """TensorRT 8.2's own benchmark, for comparison; it leaves coordinates to half precision, the runner does not."""
    engine = Path(name).with_suffix(".engine")
    return (
        f"/usr/src/tensorrt/bin/trtexec --onnx={name} --saveEngine={engine} --fp16 --workspace=1024 "
        "--warmUp=1000 --iterations=200 --avgRuns=10 --percentile=90"
    )


def _write(model: onnx.ModelProto, report: dict[str, Any], path: Path) -> None:
    with atomic_write(path.with_name(RUNNER)) as temporary:
        shutil.copyfile(runner.__file__, temporary)
    with atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
