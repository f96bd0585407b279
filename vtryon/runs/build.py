"""Build what a config describes - data, network, stage, trainer - so that whatever does not fit is told in one line."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger

from vtryon.config.checks import unread_arguments
from vtryon.config.compose import raise_problems
from vtryon.config.targets import imported_targets
from vtryon.config.words import ConfigError
from vtryon.data.files.fingerprint import name_of
from vtryon.runs.compress import compress
from vtryon.training.precision import MIXED, MixedTraining, device_kind, resolved
from vtryon.training.stage import Stage
from vtryon.utils.home import with_home

DEEPEST = 32  # pixels of a picture for one of the deepest features


def build(
    cfg: DictConfig, names: Mapping[str, Any] | None = None
) -> tuple[pl.LightningDataModule, pl.LightningModule, pl.Trainer]:
    """Data, the stage with its networks, and the trainer, as configured.

    Args:
        names: name, group and tags of the run, for the trackers that are configured.

    Raises:
        ConfigError: naming the key whose object cannot be made.
    """
    raise_problems(imported_targets(cfg))
    raise_problems(unread_arguments(cfg))
    loggers = _loggers(cfg.logger, names or {})
    with naming_keys("model"):
        net = instantiate(cfg.model, _convert_="all")
    if cfg.get("init") is not None:
        with naming_keys("init"):
            instantiate(cfg.init, _convert_="all")(net)
    with naming_keys("training"):
        stage = instantiate(cfg.training, net=net, _convert_="all")
    if isinstance(stage, Stage):
        with naming_keys("optimizer"):
            if cfg.optimizer is None:
                raise ValueError("a training needs one, such as optimizer=adam")
            stage.make_optimizer([{"params": [torch.nn.Parameter(torch.zeros(1))]}])
    with naming_keys("data"):
        data = instantiate(cfg.data, _convert_="all")  # last, because it may have to be drawn first
        setup(data, stage, cfg)
    if isinstance(stage, Stage):
        with naming_keys("parents.teacher"):
            stage.check_data(name_of(data.root))
    with naming_keys("callbacks"):
        callbacks = [instantiate(node) for node in cfg.callbacks.values() if node is not None]
    with naming_keys("compression"):
        method = instantiate(cfg.compression, _convert_="all")
        if method is not None:
            compress(stage, method, data)
            callbacks.append(method)
    with naming_keys("trainer"):
        trainer = _trainer(cfg.trainer, callbacks, loggers)
    return data, stage, trainer


@contextmanager
def naming_keys(root: str) -> Iterator[None]:
    """Tell any error of the block as a mistake in the config below the key `root`.

    Raises:
        ConfigError: with the full key where Hydra knows it, and the message of the error that is at the bottom.
    """
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        key, cause = root, error
        if isinstance(error, InstantiationException):
            key = str(error).rpartition("full_key: ")[2].strip() if "full_key: " in str(error) else root
            cause = error.__cause__ or error
        text = " ".join(str(cause).split()) or type(cause).__name__
        kind = "" if isinstance(cause, ValueError | OSError) else f"{type(cause).__name__}: "
        raise ConfigError(f"{key}: {kind}{text}") from error


def setup(data: pl.LightningDataModule, stage: pl.LightningModule, cfg: DictConfig) -> None:
    """Match the files of a run before anything else is made, so that a broken one is told at once.

    Raises:
        ValueError: also where batch norm would get one value a channel.
    """
    if isinstance(stage, Stage):
        data.setup("fit")
        _refuse_single_values(data, cfg)
    data.setup("test")


def _refuse_single_values(data: Any, cfg: DictConfig) -> None:
    """Batch norm needs two values a channel: a batch of one is too small where the deepest features are 1x1."""
    height, width = cfg.data.size
    samples, batch = len(data.train_set), cfg.data.batch_size
    limit = cfg.trainer.get("limit_train_batches")
    batches = math.ceil(samples / batch)
    last_is_read = not isinstance(limit, int) or limit >= batches
    single = batch == 1 or (samples % batch == 1 and last_is_read)
    if height // DEEPEST * (width // DEEPEST) == 1 and single:
        raise ValueError(
            f"size (=[{height},{width}]) leaves 1x1 features, of which batch norm needs two a channel, and a batch of "
            f"{samples} training samples by batch_size (={batch}) has one sample; take another batch_size or size"
        )


def _loggers(nodes: DictConfig, names: Mapping[str, Any]) -> list[Logger]:
    loggers = []
    for key, node in nodes.items():
        if node is not None:
            with naming_keys(f"logger.{key}"):
                loggers.append(instantiate(node, **(names if "group" in node else {}), _convert_="all"))
    return loggers


def _trainer(node: DictConfig, callbacks: list[pl.Callback], loggers: list) -> pl.Trainer:
    """Lightning's Trainer; keys that are null are left to its own defaults."""
    plugins = [instantiate(plugin) for plugin in node.plugins]
    precision: str | None = resolved(node.precision, node.accelerator)
    if precision in MIXED:
        plugins.append(MixedTraining(precision, device_kind(node.accelerator)))
        precision = None  # the plugin has it
    made_here = {"callbacks": callbacks, "logger": loggers, "plugins": plugins, "precision": precision}
    unset = [key for key, value in node.items() if value is None]
    arguments = {key: value for key, value in node.items() if key not in unset and key not in made_here}
    return instantiate(arguments, **made_here, _convert_="all")


def resume_from(cfg: DictConfig, folder: Path) -> Path | None:
    """The checkpoint that a fit goes on from: the run's own last one, otherwise what `ckpt_path` names.

    Raises:
        ConfigError: `ckpt_path=last`, and the run has none.
    """
    last = folder / "checkpoints" / "last.ckpt"
    if last.is_file():
        return last
    checkpoint = cfg.get("ckpt_path")
    if checkpoint == "last":
        raise ConfigError(f"ckpt_path=last: {last} does not exist; give paths.run=DIR of a run that was cut short")
    return None if checkpoint is None else with_home(checkpoint)
