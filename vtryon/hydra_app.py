"""`vtryon run` as a Hydra application over conf/: one job a run, -m for sweeps."""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console
from rich.syntax import Syntax

from vtryon.config import conf_dir


def app(argv: list[str]) -> None:
    """Run what the command line says; Hydra reads it from sys.argv."""
    sys.argv = ["vtryon run", *argv]
    hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(job)()


def job(cfg: DictConfig) -> None:
    """One run in the folder that Hydra gave it."""
    from vtryon.report.terminal import table
    from vtryon.run import run

    with open_dict(cfg):
        cfg.paths.run = HydraConfig.get().runtime.output_dir
    console = Console()
    console.print(Syntax(OmegaConf.to_yaml(cfg, resolve=True), "yaml", background_color="default"))
    row = run(cfg)
    console.print(table([row], title=f"{cfg.paths.run}/row.json"))
