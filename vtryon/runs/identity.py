"""What tells a run from others: its config, the weights it starts from, its code, and what its command line varies."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from vtryon import __version__
from vtryon.config.changes import PLACES
from vtryon.config.words import parse
from vtryon.runs.provenance import config_hash, provenance
from vtryon.utils.home import with_home

# overrides that say where and on what a run takes place; the row has a field of its own for seed, size and profile
NOT_VARIED = {
    *("experiment", "profile", "debug", "seed", "trainer", "logger", "callbacks", "hydra", "paths", "parents"),
    *("name", "tags", "notes", "sweep", "varied", "threads", "lessons", "inception", "alexnet", "ckpt_path"),
    *("print_config", "objective"),
}
NOT_VARIED_KEYS = (
    "data.root",
    "data.train_pairs",
    "data.test_pairs",
    "data.test_pairs_same",
    "data.workers",
    "data.cache",
)
FILES = ("config.yaml", "model.safetensors")
MAX_TAG = 64  # characters, by wandb


def identity(cfg: DictConfig) -> dict[str, Any]:
    """`essence`, and commit, versions and machine."""
    return essence(cfg) | provenance()


def essence(cfg: DictConfig) -> dict[str, Any]:
    """What tells this run from others: its config, the hashes of its parents' weights, and the version of the code."""
    unresolved = OmegaConf.to_container(cfg, resolve=False)  # so that a path in it is but its name
    values = varied(cfg)
    parents = {role: _hashed(path) for role, path in cfg.parents.items()}
    if cfg.get("ckpt_path") not in (None, "last"):
        parents["checkpoint"] = _hashed(cfg.ckpt_path)
    return {
        "name": str(cfg.name),
        "stage": cfg.stage,
        "profile": cfg.profile,
        "varied": values,
        "label": label_of(str(cfg.name), {key: values[key] for key in values if key in _given()}, recipe=cfg.sweep),
        "run": _below(Path(cfg.paths.run), Path(cfg.paths.runs)),
        "seed": cfg.seed,
        "size": list(cfg.data.size),
        "config_hash": config_hash(unresolved, without=PLACES),
        "parents": parents,
        "vtryon": __version__,
    }


def varied(cfg: DictConfig) -> dict[str, Any]:
    """The value of each key that sets this run apart: swept by its recipe, or given on the command line.

    A sweep of ours names its keys in `varied`, so that what all of its jobs share is left out; of other sweepers and of
    single runs every override counts that changes what is computed.
    """
    overrides = _given()
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    candidates = cfg.get("varied") or filter(_is_variation, overrides)
    keys = list(cfg.sweep) + [key for key in candidates if key not in cfg.sweep]
    values = {}
    for key in keys:
        value = overrides.get(key, choices.get(key, OmegaConf.select(cfg, key)))
        values[key] = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    return values


def _given() -> dict[str, Any]:
    """The overrides of the command line, or of the job of a sweep, by key."""
    overrides = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    return {override.key_or_group: override.value() for override in parse(overrides)}


def label_of(name: str, values: Mapping[str, Any], recipe: Mapping[str, Any]) -> str:
    """What tables call a run: the values of its recipe's sweep, such as "0.4 by_task"; else its name and what differs.

    Example:
        >>> label_of("distill", {"model.generator.ngf": 3}, recipe={})
        'distill ngf=3'
        >>> label_of("t1", {"compression.ratio": 0.4, "training": "by_task"}, recipe={"compression.ratio": "0.3,0.4"})
        '0.4 training=by_task'
    """
    shown = []
    for key, value in values.items():
        shown.append(written(value) if key in recipe else f"{key.rpartition('.')[2]}={written(value)}")
    return " ".join(shown if any(key in recipe for key in values) else [name, *shown])


def written(value: Any) -> str:
    """A value of a config in a few characters.

    Example:
        >>> written([8, 8]), written({"ssim": 1}), written(0.0068320230782855365)
        ('8-8', 'ssim=1', '0.00683202')
    """
    if isinstance(value, float) and len(str(value)) > 8:  # as a search proposes them
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={child}" for key, child in value.items())
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def tracker_names(cfg: DictConfig, row: Mapping[str, Any]) -> dict[str, Any]:
    """Name, group and tags under which trackers show a run; a sweep's jobs share the group, NAME/sweep-HASH.

    A seed that the command line gives is in the name, so that repetitions of one setting are told apart.
    """
    single = not HydraConfig.initialized() or HydraConfig.get().mode != RunMode.MULTIRUN
    group = cfg.stage if single else f"{cfg.name}/{Path(HydraConfig.get().sweep.dir).name}"
    tags = [*cfg.tags, cfg.name, f"profile={cfg.profile}", f"seed={cfg.seed}"]
    tags += [f"{key}={written(value)}" for key, value in row["varied"].items()]
    name = row["label"]
    if "seed" in _given() and "seed" not in row["varied"]:
        name += f" seed={cfg.seed}"
    return {"name": name, "group": group, "tags": [str(tag)[:MAX_TAG] for tag in dict.fromkeys(tags)]}


def _is_variation(key: str) -> bool:
    return key.partition(".")[0].partition("/")[0] not in NOT_VARIED and not key.startswith(NOT_VARIED_KEYS)


def _below(folder: Path, runs: Path) -> str:
    """The path of `folder` below the folder of all runs; the whole path where it lies elsewhere."""
    folder, runs = with_home(folder).absolute(), with_home(runs).absolute()
    return str(folder.relative_to(runs) if folder.is_relative_to(runs) else folder)


def sha256_of(path: str | Path) -> str:
    """Of a file's content, in hexadecimal."""
    with with_home(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_hashes(run: Path) -> dict[str, str]:
    """What the row of a run was made from, and its sha256: config and weights, as far as the run has them."""
    return {name: sha256_of(run / name) for name in FILES if (run / name).is_file()}


def _hashed(path: str) -> dict[str, str]:
    return {"path": str(with_home(path)), "sha256": sha256_of(path)}
