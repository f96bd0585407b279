"""Weights that come with the project, each beside a card that says what it learnt from and what it scored.

They lie in experiments/weights of a checkout as NAME.safetensors and NAME.json, in float16. They are not in the wheel:
what they were learnt from is for non-commercial research, whatever the licence of the code says.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "weights"
SHOWN = {  # columns of `vtryon weights`: key of the card's scores, and how it is written
    "unpaired/fd_efficientnet": ("fd_efficientnet", ".1f"),
    "unpaired/preserved_hair_face": ("hair, face", ".3f"),
    "unpaired/preserved_lower": ("lower", ".3f"),
    "unpaired/garment_de": ("garment dE", ".1f"),
    "paired/ssim": ("SSIM paired", ".3f"),
}


class WeightsMissingError(FileNotFoundError):
    """There are no weights of that name, or none at all."""


class Weights(NamedTuple):
    """A network's file and its card."""

    path: Path
    card: dict[str, Any]


def available(folder: Path = FOLDER) -> list[Weights]:
    """All weights of the folder, the default one first."""
    files = sorted(path for path in folder.glob("*.safetensors") if path.with_suffix(".json").is_file())
    weights = [Weights(path, json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))) for path in files]
    return sorted(weights, key=lambda entry: not entry.card.get("default", False))


def find(name: str | None = None, folder: Path = FOLDER) -> Weights:
    """The weights of this name, or the default ones.

    Raises:
        WeightsMissingError: naming what is there, or how to get some.
    """
    weights = available(folder)
    if name is None and weights:
        return weights[0]
    for entry in weights:
        if entry.path.stem == name:
            return entry
    names = ", ".join(entry.path.stem for entry in weights)
    if names:
        raise WeightsMissingError(f"weights {name}: no such file in {folder}; there are {names}")
    remedy = "a wheel has none: take a checkout of the project, or name a network of your own with --run"
    raise WeightsMissingError(f"{folder} holds no weights; {remedy}")


def table(weights: list[Weights]) -> str:
    """What `vtryon weights` prints."""
    from rich.console import Console
    from rich.table import Table

    columns = ("weights", "learnt from", "params M", "GMACs", "MiB", *(title for title, _ in SHOWN.values()))
    view = Table(*columns, title="scores: unpaired unless said otherwise")
    for entry in weights:
        cost, scores = entry.card["cost"], entry.card["scores"]
        numbers = [f"{cost[key]:.2f}" if key in cost else "" for key in ("params_m", "gmacs")]
        numbers.append(f"{entry.path.stat().st_size / 2**20:.1f}")
        numbers += [f"{scores[key]:{form}}" if key in scores else "" for key, (_, form) in SHOWN.items()]
        marker = " (default)" if entry.card.get("default") else ""
        view.add_row(f"{entry.path.stem}{marker}", entry.card["learnt_from"], *numbers)
    console = Console(width=160)
    with console.capture() as capture:
        console.print(view)
    return capture.get()
