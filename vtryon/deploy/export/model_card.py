"""A model's card: architecture, training data, scores, inputs and outputs of an exported file."""

import json
from pathlib import Path
from typing import Any

from vtryon.models.checkpoint import architecture_of
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet

LICENCE = (
    "vtryon's code is Apache-2.0; weights carry the terms of what they were trained on: PF-AFN's released weights and "
    "the VITON data set are for non-commercial research, procedural data has no restriction"
)
FROM_ROW = ("name", "stage", "profile", "seed", "config_hash", "commit", "fingerprint", "perceptual", "scores", "date")


def card(net: TryOnNet, size: tuple[int, int], batch: int | None = 1, run: Path | None = None) -> dict[str, Any]:
    """The card of a network for pictures of (height, width); with the row of the run that trained it, if there is one.

    Args:
        run: folder of a finished run, or a file of weights that has its card beside it.

    Raises:
        ValueError: the run's row cannot be read.
    """
    height, width = size
    pictures = [batch or "any", 3, height, width]
    return {
        "task": "virtual try-on: a person's photo and a garment in, the person in that garment out",
        "architecture": net.architecture if isinstance(net, Int8TryOnNet) else architecture_of(net),
        "inputs": {
            "person": {"shape": pictures, "range": [-1, 1], "colour": "RGB, 2 x / 255 - 1"},
            "cloth": {"shape": pictures, "range": [-1, 1], "colour": "RGB, on any plain ground"},
            "cloth_edge": {"shape": [batch or "any", 1, height, width], "range": [0, 1], "meaning": "1 on the garment"},
        },
        "outputs": {
            "image": {"shape": pictures, "range": [-1, 1]},
            "flow": {
                "shape": [batch or "any", 2, height, width],
                "meaning": "sampling grid, x before y, corners -1, 1",
            },
        },
        "trained_on": net.trained_on,
        "training": None if run is None else _training(run.with_suffix(".json") if run.is_file() else run / "row.json"),
        "licence": LICENCE,
    }


def _training(row: Path) -> dict[str, Any]:
    try:
        content = json.loads(row.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{row}: not the row of a finished run ({error})") from error
    return {key: content.get(key) for key in FROM_ROW}
