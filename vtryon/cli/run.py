"""`vtryon run`: one run, or with -m a sweep, as a Hydra application over conf/."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtryon.cli.completion import complete_word
from vtryon.cli.errors import mistake_below

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger(__name__)
PASSED_TO_HYDRA = {"ignore_unknown_options": True, "allow_interspersed_args": False}
UNCHECKED = {"--hydra-help", "--cfg", "-c", "--info", "-i"}  # Hydra answers these itself


def run(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-m] [KEY=VALUE]...", autocompletion=complete_word)
    ] = None,
) -> None:
    """Do one run, or with -m a sweep.

    \b
      experiment=NAME         a recipe; `vtryon recipes` lists them
      profile=demo            demo (minutes on two cores), small (hours), full (as published, GPUs)
      data.root=DIR           a VITON folder; without it people and garments are drawn
      training= compression= model= analysis= trainer= perceptual= debug=smoke
                              other choices of conf/, such as training=by_both trainer=ddp
      GROUP.KEY=VALUE         any key, such as model.generator.ngf=8 optimizer.lr=1e-4
      trainer.max_epochs=N    also max_steps, limit_train_batches, fast_dev_run, precision=bf16-mixed
      paths.run=DIR           the run's folder; ckpt_path=last goes on there, ckpt_path=FILE from elsewhere
      logger=tensorboard      a tracker: wandb, tensorboard, mlflow, trackio, csv, none, or 'logger=[csv,mlflow]';
                              tags=[a,b] notes='text' are for it

    \b
      -m, --multirun          a sweep: a key with several values, ngf=2,4,8, or the recipe's own sweep
      -cd, --config-dir DIR   recipes of one's own beside those of conf/
      hydra/launcher=joblib   jobs side by side; submitit_slurm and ray on clusters
      --cfg job               print the config, run nothing; print_config=true prints it and runs
      --hydra-help            what Hydra itself offers

    A value with = ( ) { } , or spaces is quoted twice: "data.root='/a (b)'". A folder holds one run: the same command
    again goes on where it was cut short. Results: RUN/row.json, and `vtryon report RUN`.
    """
    argv = arguments or []
    if {"--help", "-h"} & set(argv):
        from vtryon.cli import main

        main(["run", "--help"])
        return
    if not UNCHECKED & set(argv):
        argv = checked(argv)
    app(argv)


def checked(argv: list[str]) -> list[str]:
    """The command line with `~` written out and a recipe's own sweep added.

    Raises:
        ConfigError: for any of the runs that it asks for.
    """
    from vtryon.config.compose import check_command_line, with_sweep
    from vtryon.config.words import prepared

    argv = prepared(argv)
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--multirun", "-m", action="store_true")
    flags, rest = parser.parse_known_args(argv)
    overrides = [argument for argument in rest if not argument.startswith("-")]
    if flags.multirun:
        completed = with_sweep(overrides, flags.config_dir)
        argv, overrides = [*argv, *completed[len(overrides) :]], completed
    check_command_line(overrides, flags.config_dir, sweeps=flags.multirun)
    return argv


def app(argv: list[str]) -> None:
    """Run what the command line `argv` says; Hydra reads it from sys.argv."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import DictConfig, OmegaConf

    from vtryon.config.compose import conf_dir
    from vtryon.runs.state import reason_of

    original_argv = sys.argv
    sys.argv = [original_argv[0], *argv]

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
    def start(cfg: DictConfig) -> float | None:
        sys.argv = original_argv  # Lightning repeats the command line in each process of a data-parallel run
        try:
            return job(cfg)
        except Exception as error:
            mistake = mistake_below(error)
            if not OmegaConf.is_missing(HydraConfig.get().job, "num"):  # one of a sweep: the others go on
                log.error(mistake or error, exc_info=mistake is None)
                raise JobFailedError(reason_of(mistake or error)) from None
            if mistake is None or os.environ.get("HYDRA_FULL_ERROR"):
                raise
            print(f"vtryon run: {mistake}", file=sys.stderr)
            raise SystemExit(2) from error

    try:
        start()
    finally:
        sys.argv = original_argv


class JobFailedError(Exception):
    """Why a job of a sweep failed, in one line that any launcher can carry from one process to another."""


def job(cfg: "DictConfig") -> float | None:
    """One run in the folder that Hydra gave it; returns the score that `objective` names, for a searching sweeper."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf, open_dict
    from rich.console import Console
    from rich.syntax import Syntax

    from vtryon.report.render.terminal import empty_scores, table
    from vtryon.runs.identity import essence
    from vtryon.runs.run import run
    from vtryon.runs.sweep import place_of

    with open_dict(cfg):
        cfg.paths.run = HydraConfig.get().runtime.output_dir
    place_in_sweep = place_of(Path(cfg.paths.run))
    console = Console(quiet=os.environ.get("LOCAL_RANK", "0") != "0")
    if cfg.print_config:
        console.print(Syntax(OmegaConf.to_yaml(cfg, resolve=True), "yaml", background_color="default"))
    if place_in_sweep:
        console.rule(f"[bold]{essence(cfg)['label']}[/], {place_in_sweep}", align="left")
    rows = [run(cfg), *(run(comparison_cfg) for comparison_cfg in beside(cfg))]
    console.print(table(rows, title=f"{cfg.paths.run}/row.json", explained=False))
    if not place_in_sweep and (empty := empty_scores(rows)):  # a sweep tells it once, at its end
        console.print(f"empty: {', '.join(empty)}; `vtryon report {cfg.paths.run}` tells why", style="dim")
    return (rows[0].get("scores") or {}).get(cfg.get("objective"))


def beside(cfg: "DictConfig") -> Iterator["DictConfig"]:
    """The runs that this one is compared with, in RUN/NAME: the same but for a few overrides; not of sweeps."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf, open_dict

    from vtryon.config.words import quoted

    if not OmegaConf.is_missing(HydraConfig.get().job, "num"):
        return
    for name, overrides in (cfg.get("beside") or {}).items():
        folder = quoted("paths.run", Path(cfg.paths.run) / name)
        comparison_cfg = hydra.compose("config", overrides=[*HydraConfig.get().overrides.task, *overrides, folder])
        with open_dict(comparison_cfg):
            comparison_cfg.name, comparison_cfg.sweep = f"{cfg.name}-{name}", {}
        yield comparison_cfg
