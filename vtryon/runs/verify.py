"""A finished run's row made again from its config, weights and data on this machine, and what differs from it."""

import json
import logging
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
import yaml
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.model_helpers import is_overridden
from safetensors import safe_open

from vtryon.callbacks.recorder import collected
from vtryon.config.checks import unusable_parents
from vtryon.config.compose import raise_problems
from vtryon.config.targets import disallowed_targets
from vtryon.config.words import ConfigError
from vtryon.metrics.cost import cost
from vtryon.models.checkpoint import load_net
from vtryon.models.quantized.network import Int8TryOnNet, set_storage_type
from vtryon.models.tryon import TryOnNet
from vtryon.runs.build import build
from vtryon.runs.identity import file_hashes, sha256_of
from vtryon.runs.run import HARMLESS, perceptual_of
from vtryon.runs.state import read_state
from vtryon.training.stage import Stage

TOLERANCE = 1e-3  # of a score, relative: machines round differently
FROM_CONFIG = ("name", "stage", "profile", "seed")
COMPARED = (
    *(*FROM_CONFIG, "size", "config_hash", "vtryon", "parents", "files", "fingerprint", "perceptual", "protocol"),
    *("counts", "left_out", "steps", "epochs", "cost", "scores"),
)
UNUSED = ("last", "channels_last", "progress", "panel", "throughput", "deployed")  # callbacks that a test does without
TYPES = {"F16": torch.float16, "BF16": torch.bfloat16}


class Verdict(NamedTuple):
    """What a row says and what was found here."""

    differences: list[str]  # a line each
    agreeing: int  # values that agree
    unchecked: list[str]  # keys of the row that cannot be made again, such as times


def verify(run: Path, tolerance: float = TOLERANCE) -> Verdict:
    """Compare RUN/row.json with what RUN/config.yaml, RUN/model.safetensors and the data give here.

    Args:
        tolerance: of scores, relative to the row's; everything else has to be equal.

    Raises:
        ConfigError: the folder holds no finished run, or a file that its config names is gone.
    """
    row = _json(run / "row.json")
    if row.get("state") == "failed":
        raise ConfigError(f"{run}: the run failed ({row.get('reason')}); there is nothing to verify")
    return compare(row, rederived(run), tolerance)


def compare(row: Mapping[str, Any], rederived_row: Mapping[str, Any], tolerance: float = TOLERANCE) -> Verdict:
    """What differs between a row and the one that was made again."""
    row_values = dict(_flat({key: row[key] for key in COMPARED if key in row}))
    rederived_values = dict(_flat(rederived_row))
    differences, agreeing, unchecked = [], 0, [key for key in row if key not in COMPARED]
    for key in sorted(row_values.keys() | rederived_values.keys()):
        row_value, rederived_value = row_values.get(key), rederived_values.get(key)
        allowed = tolerance if key.startswith("scores.") else 0.0
        if key in row_values and key not in rederived_values:
            unchecked.append(key)
        elif _agree(row_value, rederived_value, allowed):
            agreeing += 1
        elif key.startswith("scores.") and key in row_values and None in (row_value, rederived_value):
            unchecked.append(key)  # a feature network that only one of the machines has
        elif key.startswith("files.") and key not in row_values:
            unchecked.append(key)  # of a row that was written before rows had them
        else:
            differences.append(f"{key}: the row says {_shown(row_value)}, here it is {_shown(rederived_value)}")
    return Verdict(differences, agreeing, unchecked)


def rederived(run: Path) -> dict[str, Any]:
    """The values of `COMPARED` of a run, made again; as a row has them."""
    config = run / "config.yaml"
    if not config.is_file():
        raise ConfigError(f"{config}: no such file; give the folder of a finished run")
    with TemporaryDirectory(prefix="vtryon-verify-") as work:
        cfg = _testing(OmegaConf.load(config), Path(work))
        raise_problems(disallowed_targets(cfg) or unusable_parents(cfg))  # resolved: no key refers to others
        if cfg.get("threads") is not None:
            torch.set_num_threads(cfg.threads)  # as the run had: narrow layers only wait for further ones
        origin = read_state(run).get("origin", {})
        values = {key: cfg.get(key) for key in FROM_CONFIG} | {"size": list(cfg.data.size)}
        values |= {key: origin[key] for key in ("config_hash", "vtryon") if key in origin}
        values["parents"] = {role: {"sha256": sha256_of(path)} for role, path in cfg.parents.items()}
        values["files"] = file_hashes(run)
        return values | _history(run) | _tested(cfg, run / "model.safetensors", _history(run).get("scores", {}))


def _testing(cfg: DictConfig, work: Path) -> DictConfig:
    """The config of a test alone, in the folder `work`."""
    original_folder = str(cfg.paths.run)
    text = OmegaConf.to_yaml(cfg)
    # the folder, and not another one whose name begins alike
    folder_pattern = re.compile(re.escape(original_folder) + r"(?![\w.-])")
    testing = DictConfig(yaml.safe_load(folder_pattern.sub(str(work), text)))
    for group in ("logger", "callbacks"):
        for name in testing[group]:
            if group == "logger" or name in UNUSED:
                testing[group][name] = None
    testing.update({"compression": None, "init": None, "analysis": None, "ckpt_path": None})
    testing.paths.run = str(work)
    return testing


def _tested(cfg: DictConfig, weights: Path, validated: Mapping[str, float]) -> dict[str, Any]:
    """What the test gives with the weights of the run; a run without any is built anew from its seed."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    with warnings.catch_warnings():
        for message in HARMLESS:
            warnings.filterwarnings("ignore", message=message)
        data, stage, trainer = build(cfg)
        if weights.is_file():
            stage.net = _loaded(weights)
            if not isinstance(stage, Stage):
                stage.net.requires_grad_(False)
        if is_overridden("test_step", stage):
            trainer.test(stage, datamodule=data, verbose=False)
        measured = collected(trainer, {"scores": dict(validated)})
    values = {key: measured[key] for key in ("protocol", "counts", "left_out", "scores") if measured.get(key)}
    if isinstance(stage.net, TryOnNet):
        values["cost"] = cost(stage.net, tuple(cfg.data.size))
    return values | {"fingerprint": data.fingerprint(), "perceptual": perceptual_of(stage)}


def _loaded(weights: Path) -> TryOnNet:
    """The network, counted in the type that its weights are stored in."""
    net = load_net(weights)
    with safe_open(weights, "pt") as file:
        stored = {file.get_slice(key).get_dtype() for key in file.keys()}  # noqa: SIM118 (no mapping)
    for name in stored & TYPES.keys() if not isinstance(net, Int8TryOnNet) else ():
        set_storage_type(net, TYPES[name])
    return net


def _history(run: Path) -> dict[str, Any]:
    """Steps, epochs and the last validation's scores, as RUN/history.jsonl has them."""
    file = run / "history.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines() if line] if file.is_file() else []
    if not lines:
        return {}
    scores: dict[str, float] = {}
    for line in lines:
        scores |= {key: value for key, value in line.items() if key.startswith("val/")}
    return {"steps": lines[-1]["step"], "epochs": lines[-1]["epoch"] + 1, "scores": scores}


def _agree(row_value: Any, rederived_value: Any, tolerance: float) -> bool:
    if isinstance(row_value, float | int) and isinstance(rederived_value, float | int) and tolerance:
        return math.isclose(row_value, rederived_value, rel_tol=tolerance, abs_tol=tolerance / 10)
    return row_value == rederived_value


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values; of a parent only its hash, as its path may be another here."""
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif not (prefix.startswith("parents.") and key == "path"):
            yield f"{prefix}{key}", value


def _json(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: not the row of a finished run ({error}); give the folder of one") from error


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
