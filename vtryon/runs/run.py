"""One run: build, load, fit, test, analyse, time, and write one row. The only file that knows every floor."""

import json
import logging
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.model_helpers import is_overridden

from vtryon.callbacks.checkpointing.stopping import leaving_on_signals
from vtryon.callbacks.recorder import collected
from vtryon.callbacks.trackers.tracker import Model, finish, trackers
from vtryon.callbacks.tracking import Tracking
from vtryon.config.compose import expand_home, problems, raise_problems
from vtryon.config.words import ConfigError
from vtryon.data.files.fingerprint import described
from vtryon.models.checkpoint import save_net
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.report.figures import sensitivity
from vtryon.runs.build import build, naming_keys, resume_from
from vtryon.runs.identity import file_hashes, identity, tracker_names
from vtryon.runs.state import attempt, reason_of
from vtryon.training.stage import Stage
from vtryon.utils.atomic import atomic_write
from vtryon.utils.home import with_home
from vtryon.utils.latency import try_on_latency

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
    expand_home(cfg)
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
    start_time = time.perf_counter()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    data, stage, trainer = build(cfg, tracker_names(cfg, row))
    try:
        with naming_keys("data"):
            row |= {"fingerprint": data.fingerprint(), "perceptual": perceptual_of(stage)}
        row["precision"] = trainer.precision if isinstance(stage, Stage) else None  # of the training, as it really is
        trainer.callbacks.append(Tracking(config, row))
        measured = carry_out(stage, data, trainer, folder, cfg)
        if cfg.compression is not None and not isinstance(stage, Stage) and isinstance(stage.net, TryOnNet):
            save_net(stage.net, folder / "model.safetensors")
        if cfg.get("analysis") is not None:
            row["analysis"] = analyse(stage, data, folder, cfg)
            _log_figures(trainer, folder)
        row |= measured | {"skipped": len(data.skipped), "seconds": round(time.perf_counter() - start_time, 1)}
        if trainer.is_global_zero:
            if isinstance(stage, Stage):
                _log_model(trainer, folder, data, cfg, row)
            row["files"] = file_hashes(folder)
            _write_row(folder, row | {"state": "done"})
    except BaseException:
        finish(trainer.loggers, succeeded=False)
        raise
    finish(trainer.loggers)
    return row


def _write_row(folder: Path, row: dict[str, Any]) -> None:
    with atomic_write(folder / "row.json") as temporary:
        temporary.write_text(json.dumps(row, indent=1, allow_nan=False))


def carry_out(stage, data, trainer: pl.Trainer, folder: Path, cfg: DictConfig) -> dict[str, Any]:
    """Fit, save, test and time; returns what was measured."""
    measured: dict[str, Any] = {"scores": {}}
    with warnings.catch_warnings():
        for message in HARMLESS:
            warnings.filterwarnings("ignore", message=message)
        if isinstance(stage, Stage):
            trainer.fit(stage, datamodule=data, ckpt_path=resume_from(cfg, folder), weights_only=True)
            if trainer.is_global_zero:
                stage.net.trained_on = described(data.root, data.fingerprint())
                save_net(stage.net, folder / "model.safetensors")
            measured |= {"steps": trainer.global_step, "epochs": trainer.current_epoch}
            measured["scores"] = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("val/")}
        if is_overridden("test_step", stage):
            trainer.test(stage, datamodule=data, verbose=False)
    measured = collected(trainer, measured)
    if isinstance(stage.net, TryOnNet) and not isinstance(stage.net, TutorNet):
        net = stage.net.to(trainer.strategy.root_device).eval()
        measured["latency"] = try_on_latency(net, tuple(cfg.data.size))._asdict()
    return measured


def analyse(stage, data, folder: Path, cfg: DictConfig) -> dict[str, Any]:
    """Ask the network what the analysis asks, into RUN/sensitivity.csv, and draw it; returns what was asked."""
    if isinstance(stage.net, TutorNet) or not isinstance(stage.net, TryOnNet):
        raise ConfigError(f"analysis: {type(stage.net).__name__} is no parser-free network; take a student's file")
    summary = instantiate(cfg.analysis, _convert_="all")(stage.net, data, folder, cfg.seed)
    return summary | sensitivity.draw(folder, summary["kind"])


def _log_figures(trainer: pl.Trainer, folder: Path) -> None:
    """Show the trackers what was drawn of an analysis."""
    for file in sorted((folder / "figures").glob("*.png")):
        with Image.open(file) as picture:
            for tracker in trackers(trainer.loggers):
                tracker.log_pictures({f"analysis/{file.stem}": picture}, step=trainer.global_step)


def _log_model(trainer: pl.Trainer, folder: Path, data, cfg: DictConfig, row: dict[str, Any]) -> None:
    card = Path(data.root) / "synthetic.json"
    model = Model(
        folder / "model.safetensors",
        row["fingerprint"],
        parents={role: with_home(path) for role, path in cfg.parents.items()},
        data_card=card if card.is_file() else None,
        metadata={"scores": row["scores"], "config_hash": row["config_hash"]},
    )
    for tracker in trackers(trainer.loggers):
        tracker.log_model(model)


def perceptual_of(stage: pl.LightningModule) -> str | None:
    """The name of the network whose features the stage's loss compares."""
    return stage.loss.perceptual.name if isinstance(stage, Stage) else None
