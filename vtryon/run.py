"""One run: build, load, fit, test, analyse, time, and write one row. The only file that knows every floor."""

import hashlib
import json
import logging
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.model_helpers import is_overridden

from vtryon import __version__
from vtryon.attempt import attempt, reason_of
from vtryon.callbacks.artifacts import log_checkpoint
from vtryon.callbacks.provenance import config_hash, provenance
from vtryon.callbacks.stopping import leaving_on_signals
from vtryon.callbacks.tracking import Tracking
from vtryon.callbacks.wandb_logger import finish
from vtryon.changes import PLACES
from vtryon.compress import compress
from vtryon.config import ConfigError, problems, raise_problems
from vtryon.deploy.benchmark import Latency, latency
from vtryon.nn.atomic import atomic_write
from vtryon.nn.checkpoint import save_net
from vtryon.nn.tryon import TryOnNet, TutorNet
from vtryon.report import sensitivity
from vtryon.targets import guests
from vtryon.training.stage import Stage

HARMLESS = (  # warnings of Lightning's that say nothing to whoever starts a run
    ".*exists and is not empty",  # the run's own folder
    ".*log_every_n_steps",  # an epoch of a few steps is no mistake
    ".*LeafSpec",  # inside Lightning, since torch 2.12
)


def run(cfg: DictConfig) -> dict[str, Any]:
    """Carry out the run that `cfg` describes; returns its row, which is also RUN/row.json.

    A run that was cut short goes on from RUN/checkpoints/last.ckpt, and one that is finished is not done again. One
    that failed leaves a row as well, which says so and why, and comes into no table.
    """
    raise_problems(problems(cfg))
    folder = Path(cfg.paths.run)
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    row = identity(cfg)  # before Hydra's instantiate resolves what other keys refer to
    config = OmegaConf.to_container(cfg, resolve=True)
    with attempt(folder, row, config, leads=rank_zero_only.rank == 0) as finished, leaving_on_signals():
        if finished:
            return json.loads((folder / "row.json").read_text())
        try:
            return _measure(cfg, folder, row, config)
        except Exception as error:
            with suppress(OSError):  # a full disk is why it failed, and what has to be told
                _write_row(folder, row | {"state": "failed", "reason": reason_of(error)})
            raise


def _measure(cfg: DictConfig, folder: Path, row: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    data, stage, trainer = build(cfg)
    try:
        row |= {"fingerprint": data.fingerprint(), "perceptual": _perceptual(stage)}
        trainer.callbacks.append(Tracking(config, row))
        measured = carry_out(stage, data, trainer, folder, tuple(cfg.data.size))
        if cfg.compression is not None and not isinstance(stage, Stage) and isinstance(stage.net, TryOnNet):
            save_net(stage.net, folder / "model.safetensors")
        if cfg.get("analysis") is not None:
            row["analysis"] = analyse(stage, data, folder, cfg)
        row |= measured | {"skipped": len(data.skipped), "seconds": round(time.perf_counter() - start, 1)}
        if trainer.is_global_zero:
            if isinstance(stage, Stage):
                _log_model(trainer, folder, data, cfg, row)
            _write_row(folder, row | {"state": "done"})
    except BaseException:
        finish(trainer.loggers, exit_code=1)
        raise
    finish(trainer.loggers)
    return row


def _write_row(folder: Path, row: dict[str, Any]) -> None:
    with atomic_write(folder / "row.json") as temporary:
        temporary.write_text(json.dumps(row, indent=1, allow_nan=False))


def build(
    cfg: DictConfig,
) -> tuple[pl.LightningDataModule, pl.LightningModule, pl.Trainer]:
    """Data, the stage with its networks, and the trainer, as configured."""
    raise_problems(guests(cfg))
    net = instantiate(cfg.model, _convert_="all")
    if "init" in cfg:
        instantiate(cfg.init, _convert_="all")(net)
    stage = instantiate(cfg.training, net=net, _convert_="all")
    data = instantiate(cfg.data, _convert_="all")  # last, because it may have to be drawn first
    callbacks = [instantiate(node) for node in cfg.callbacks.values() if node is not None]
    compression = instantiate(cfg.compression, _convert_="all")
    if isinstance(compression, pl.Callback):
        callbacks.append(compression)
    elif compression is not None:
        compress(stage, compression, data)
    loggers = [instantiate(node, _convert_="all") for node in cfg.logger.values() if node is not None]
    return (
        data,
        stage,
        instantiate(cfg.trainer, callbacks=callbacks, logger=loggers, _convert_="all"),
    )


def identity(cfg: DictConfig) -> dict[str, Any]:
    """What tells this run from others, and where its code comes from."""
    return essence(cfg) | provenance()


def essence(cfg: DictConfig) -> dict[str, Any]:
    """What tells this run from others: its config, its parents' weights, and the code's version."""
    asked = OmegaConf.to_container(cfg, resolve=False)  # unresolved, so that a path in it is but its name
    return {
        "name": cfg.name,
        "stage": cfg.stage,
        "profile": cfg.profile,
        "varied": _varied(cfg),
        "seed": cfg.seed,
        "size": list(cfg.data.size),
        "config_hash": config_hash(asked, without=PLACES),
        "parents": {role: _parent(Path(path).expanduser()) for role, path in cfg.parents.items()},
        "vtryon": __version__,
    }


def carry_out(stage, data, trainer: pl.Trainer, folder: Path, size: tuple[int, int]) -> dict[str, Any]:
    """Fit, save, test and time; returns what was measured."""
    measured: dict[str, Any] = {"scores": {}}
    with warnings.catch_warnings():
        for message in HARMLESS:
            warnings.filterwarnings("ignore", message=message)
        if isinstance(stage, Stage):
            last = folder / "checkpoints" / "last.ckpt"
            trainer.fit(
                stage,
                datamodule=data,
                ckpt_path=last if last.is_file() else None,
                weights_only=True,
            )
            if trainer.is_global_zero:
                save_net(stage.net, folder / "model.safetensors")
            measured |= {"steps": trainer.global_step, "epochs": trainer.current_epoch}
            measured["scores"] = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("val/")}
        if is_overridden("test_step", stage):
            trainer.test(stage, datamodule=data, verbose=False)
    _collect(trainer, measured)
    if isinstance(stage.net, TryOnNet) and not isinstance(stage.net, TutorNet):
        measured["latency"] = time_net(stage.net, size, trainer.strategy.root_device)._asdict()
    return measured


def analyse(stage, data, folder: Path, cfg: DictConfig) -> dict[str, Any]:
    """Ask the network what the analysis asks, into RUN/sensitivity.csv, and draw it; returns what was asked."""
    if isinstance(stage.net, TutorNet) or not isinstance(stage.net, TryOnNet):
        raise ConfigError(f"analysis: {type(stage.net).__name__} is no parser-free network; take a student's file")
    asked = instantiate(cfg.analysis, _convert_="all")(stage.net, data, folder, cfg.seed)
    return asked | sensitivity.draw(folder, asked["kind"])


def time_net(net: TryOnNet, size: tuple[int, int], device: torch.device) -> Latency:
    """Latency of one try-on of `size`, f32, as torch runs it eagerly."""
    net = net.to(device).eval()
    person, cloth = torch.rand(2, 1, 3, *size, device=device)
    edge = torch.ones(1, 1, *size, device=device)
    with torch.inference_mode():
        return latency(lambda: net(person, cloth, edge), device=device)


def _collect(trainer: pl.Trainer, measured: dict[str, Any]) -> None:
    """What the callbacks keep for the row; a later one sees what those before it put in."""
    for callback in trainer.callbacks:
        if hasattr(callback, "into_row"):
            measured |= callback.into_row(measured)


def _log_model(trainer: pl.Trainer, folder: Path, data, cfg: DictConfig, row: dict[str, Any]) -> None:
    card = Path(data.root) / "synthetic.json"
    log_checkpoint(
        trainer.loggers,
        folder / "model.safetensors",
        row["fingerprint"],
        parents={role: Path(path).expanduser() for role, path in cfg.parents.items()},
        data_card=card if card.is_file() else None,
        metadata={"scores": row["scores"], "config_hash": row["config_hash"]},
    )


def _varied(cfg: DictConfig) -> dict[str, Any]:
    """What this run has for each key that its recipe sweeps over: as it was asked for, or else as the config has it."""
    words = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    given = {one.key_or_group: one.value() for one in OverridesParser.create().parse_overrides(list(words))}
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    found = {key: given.get(key, choices.get(key, OmegaConf.select(cfg, key))) for key in cfg.sweep}
    return {
        key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        for key, value in found.items()
    }


def _parent(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {
            "path": str(path),
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _perceptual(stage: pl.LightningModule) -> str | None:
    return stage.loss.perceptual.name if isinstance(stage, Stage) else None
