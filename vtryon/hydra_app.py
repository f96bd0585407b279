"""`vtryon run` as a Hydra application over conf/: one job a run, -m for sweeps."""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console
from rich.syntax import Syntax

from vtryon.attempt import reason_of
from vtryon.config import ConfigError, conf_dir

log = logging.getLogger(__name__)
NO_PLACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


def app(argv: list[str]) -> None:
    """Run what the command line says; Hydra reads it from sys.argv."""
    started = sys.argv
    sys.argv = [started[0], *argv]

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
    def start(cfg: DictConfig) -> float | None:
        sys.argv = started  # Lightning repeats the command line in each process of a data-parallel run
        try:
            return job(cfg)
        except Exception as error:
            known = users_fault(error)
            if not OmegaConf.is_missing(HydraConfig.get().job, "num"):  # one of a sweep: the others go on
                log.error(known or error, exc_info=known is None)
                raise JobFailedError(reason_of(known or error)) from None
            if known is None:
                raise
            print(f"vtryon run: {known}", file=sys.stderr)
            raise SystemExit(2) from error

    try:
        start()
    finally:
        sys.argv = started


class JobFailedError(Exception):
    """Why a job of a sweep failed, in one line that any launcher can carry from one process to another."""


def job(cfg: DictConfig) -> float | None:
    """One run in the folder that Hydra gave it; returns the score that `objective` names, for a searching sweeper."""
    from vtryon.report.terminal import table
    from vtryon.run import run

    with open_dict(cfg):
        cfg.paths.run = HydraConfig.get().runtime.output_dir
    console = Console(quiet=os.environ.get("LOCAL_RANK", "0") != "0")
    console.print(Syntax(OmegaConf.to_yaml(cfg, resolve=True), "yaml", background_color="default"))
    rows = [run(cfg), *(run(other) for other in beside(cfg))]
    console.print(table(rows, title=f"{cfg.paths.run}/row.json"))
    return (rows[0].get("scores") or {}).get(cfg.get("objective"))


def beside(cfg: DictConfig) -> Iterator[DictConfig]:
    """The runs that this one is put beside, in RUN/NAME: the same but for a few overrides. A sweep's have none."""
    if not OmegaConf.is_missing(HydraConfig.get().job, "num"):
        return
    for name, overrides in (cfg.get("beside") or {}).items():
        place = f"paths.run='{Path(cfg.paths.run) / name}'"
        other = hydra.compose("config", overrides=[*HydraConfig.get().overrides.task, *overrides, place])
        with open_dict(other):
            other.name, other.sweep = f"{cfg.name}-{name}", {}
        yield other


def users_fault(error: BaseException | None) -> Exception | None:
    """The error below `error` that a user can mend and whose message says how; None where the fault is ours."""
    while error is not None and not _known(error):
        error = error.__cause__ or error.__context__
    return error


def _known(error: BaseException) -> bool:
    from vtryon.data.files import DataError
    from vtryon.nn.checkpoint import CheckpointError
    from vtryon.nn.pretrained import WeightsNotFoundError

    named = ConfigError | DataError | CheckpointError | WeightsNotFoundError | FloatingPointError
    return isinstance(error, named) or (isinstance(error, OSError) and error.errno in NO_PLACE)
