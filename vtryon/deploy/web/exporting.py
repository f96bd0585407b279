"""Export of a try-on network to a static folder: a page that runs it in the visitor's browser, and all that it needs.

The page asks nothing of other servers. Before its first try-on it answers the pair in check.bin and compares.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.sample import make_person, make_shop, to_uint8, wear
from vtryon.deploy.export.model_card import card
from vtryon.deploy.export.pairs import Pair, drawn_pairs
from vtryon.deploy.export.parity import Outputs, difference, outputs_of
from vtryon.deploy.photo import write_photo
from vtryon.deploy.runtime.onnx_runtime import OnnxRuntime
from vtryon.deploy.web import package
from vtryon.deploy.web.graph import rounded, web_graph
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.utils.atomic import atomic_folder
from vtryon.utils.image import to_uint8 as bytes_of

PRECISIONS = ("f32", "f16", "int8")
IMAGE = 1e-3  # the largest difference of a picture in [-1, 1] from torch's, in Python and in a browser
INT8_MEAN = 0.005  # of int8: the mean difference of a browser's picture from ONNX Runtime's
PAGE = Path(__file__).with_name("page")
SCRIPT = ("pictures.js", "garment.js", "page.js")  # joined to tryon.mjs
EXAMPLES = (384, 288)  # height and width of the drawn people and garments that the page offers


def export_web(
    net: TryOnNet,
    folder: Path,
    size: tuple[int, int] = (256, 192),
    precision: str = "f32",
    calibration: Sequence[Pair] | None = None,
    run: Path | None = None,
    runtime: Path | None = None,
) -> dict[str, Any]:
    """Write `folder`, to be served by any web server, and return the content of its model.json.

    Args:
        folder: new, or empty.
        size: (height, width), fixed from here on.
        precision: "f32"; "f16", the weights of convolutions rounded and stored in two bytes, computed with in f32; or
            "int8".
        calibration: pairs from which int8 learns the ranges of features; else 64 drawn ones.
        run: the folder of the run that trained the network, for the card.
        runtime: the npm package of onnxruntime-web (.tgz); else that of vtryon's cache, or from npm.

    Raises:
        ValueError: arguments that do not go together, or a graph that says other than the network; no folder is left.
        OSError: the folder is there, or onnxruntime-web cannot be had.
    """
    _check_arguments(net, precision, calibration)
    if precision == "int8" and calibration is None and not isinstance(net, Int8TryOnNet):
        calibration = drawn_pairs(size, 64)
    with atomic_folder(folder) as draft:
        packed = package.archive(runtime)
        pairs, net = drawn_pairs(size), net.cpu().eval()
        held = rounded(net) if precision == "f16" else net  # what the file holds
        model = web_graph(held, size, calibration, half=precision == "f16")
        model_card = card(net, size, 1, run)
        model.metadata_props.add(key="vtryon", value=json.dumps(model_card))
        (draft / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
        expected_outputs, checks = _compared(draft / "model.onnx", net, held, pairs, precision)
        _write_check(draft / "check.bin", pairs[0], expected_outputs[0])
        _write_page(draft)
        package.unpack(packed, draft / "onnxruntime-web")
        report = {
            "size": list(size),
            "precision": precision,
            "tolerance": {"mean": INT8_MEAN} if precision == "int8" else {"max": IMAGE},
            "onnxruntime_web": {"version": package.VERSION, "sha256": package.SHA256},
            "sha256": {name: _sha256(draft / name) for name in ("model.onnx", "check.bin", "tryon.mjs")},
            "bytes": model.ByteSize(),
            "opset": model.opset_import[0].version,
            "operators": dict(Counter(node.op_type for node in model.graph.node).most_common()),
            "against_torch": checks,
            "card": model_card,
        }
        (draft / "model.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _check_arguments(net: TryOnNet, precision: str, calibration: Sequence[Pair] | None) -> None:
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} must be one of {PRECISIONS}")
    if calibration is not None and precision != "int8":
        raise ValueError(f"calibration is for precision='int8', and this is {precision!r}; leave it out")
    if isinstance(net, Int8TryOnNet) and (precision != "int8" or calibration is not None):
        raise ValueError("net was trained in int8: export it with precision int8 and without calibration")
    if isinstance(net, TutorNet):
        raise ValueError("net is a tutor, which needs a parser's maps of the person; export a student")


def _compared(
    file: Path, net: TryOnNet, held: TryOnNet, pairs: Sequence[Pair], precision: str
) -> tuple[list[Outputs], dict[str, Any]]:
    """The outputs that a browser is to give, and how far the file's are from torch's.

    Those of torch with the weights that the file holds; in int8, which torch does not compute, those of ONNX Runtime.
    """
    torch_outputs, file_outputs = outputs_of(held, pairs), outputs_of(OnnxRuntime(onnx.load(file)), pairs)
    measured = difference(file_outputs, torch_outputs)
    allowed = 2 if precision == "int8" else IMAGE  # int8 is another network: its distance is told, not bounded
    if not measured.image_max <= allowed:  # `not`, so that a NaN is refused
        raise ValueError(
            f"the exported graph's image is off by {measured.image_max:.2g} (at most {allowed}) from the network's: "
            "no folder was written"
        )
    checks = {"pairs": len(pairs), **measured._asdict()}
    if precision == "f16":
        checks["rounding_to_f16"] = difference(torch_outputs, outputs_of(net, pairs))._asdict()
    return (file_outputs if precision == "int8" else torch_outputs), checks


def _write_check(file: Path, pair: Pair, outputs: Outputs) -> None:
    """The image as float32 (3, h, w), then person and cloth as bytes (3, h, w), then the edge (h, w), 0 or 1."""
    person, cloth, edge = pair
    arrays = [
        outputs[0].astype("<f4"),
        bytes_of(person).numpy(),
        bytes_of(cloth).numpy(),
        edge.numpy().astype(np.uint8),
    ]
    file.write_bytes(b"".join(array.tobytes() for array in arrays))


def _write_page(folder: Path) -> None:
    for name in ("index.html", "page.css"):
        shutil.copyfile(PAGE / name, folder / name)
    (folder / "tryon.mjs").write_text("\n".join((PAGE / name).read_text("utf-8") for name in SCRIPT), "utf-8")
    frame = Frame.of(EXAMPLES)
    for index in (1, 2):
        person, worn_garment = make_person(0, 0, index, frame), make_shop(0, 0, index, frame)
        write_photo(folder / "examples" / f"person_{index}.jpg", wear(person, worn_garment, frame).image)
        shop = make_shop(0, 0, index + 1000, frame)
        write_photo(folder / "examples" / f"garment_{index}.jpg", to_uint8(shop.image, frame))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
