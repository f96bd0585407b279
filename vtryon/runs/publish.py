"""Publish the network of a run as weights that come with the project (`vtryon weights --publish`)."""

import json
from pathlib import Path

from vtryon.compression.half_precision import HalfWeights
from vtryon.deploy.weights import FOLDER, Weights, WeightsMissingError
from vtryon.models.checkpoint import load_net, save_net
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.utils.atomic import atomic_write

# of a row
CARD_KEYS = ("stage", "size", "steps", "epochs", "seconds", "seed", "commit", "config_hash", "date", "cpu", "gpu")


def publish(run: Path, name: str, learnt_from: str, default: bool = False, folder: Path = FOLDER) -> Weights:
    """Copy the network of a finished run as weights of this name, in float16, with a card made of the run's row.

    Args:
        run: folder with model.safetensors and row.json.
        learnt_from: data that the network was trained on, for people.
        default: the weights that `find()` gives.

    Raises:
        WeightsMissingError: the run has no network or no row.
    """
    source, row_file = run / "model.safetensors", run / "row.json"
    for path in (source, row_file):
        if not path.is_file():
            raise WeightsMissingError(f"{path}: no such file; give the folder of a finished run")
    row = json.loads(row_file.read_text(encoding="utf-8"))
    card = {key: row.get(key) for key in CARD_KEYS}
    card |= {
        "name": name,
        "learnt_from": learnt_from,
        "licence": "non-commercial research only; not under the licence of the code",
        "default": default,
        "protocol": (row.get("protocol") or {}).get("name"),
        "scores": row.get("scores", {}),
        "cost": row.get("cost", {}),
    }
    target = folder / f"{name}.safetensors"
    _write_halved(source, target, learnt_from)
    with atomic_write(target.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return Weights(target, card)


def _write_halved(source: Path, target: Path, learnt_from: str) -> None:
    """Store a float network in two bytes a weight; int8 networks keep their bytes.

    The file tells people what it learnt from, and not the name that the data's folder had.
    """
    net = load_net(source)
    stored = net if isinstance(net, Int8TryOnNet) else HalfWeights("fp16")(net)
    stored.trained_on = (net.trained_on or {}) | {"name": learnt_from}
    target.parent.mkdir(parents=True, exist_ok=True)
    save_net(stored, target)
