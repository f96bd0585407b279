"""Hydra's grid of jobs, kept on disk: the same command again runs what is missing, and a failure stops no other job.

A Hydra plugin has to live in the package `hydra_plugins`, and is imported by every Hydra program: what is heavy is
imported where it is used.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

log = logging.getLogger(__name__)


@dataclass
class KeptSweeperConf:
    """`hydra/sweeper: kept`."""

    _target_: str = "hydra_plugins.vtryon_sweeper.KeptSweeper"
    score: str = "paired/ssim"


ConfigStore.instance().store(group="hydra/sweeper", name="kept", node=KeptSweeperConf, provider="vtryon")


class KeptSweeper(Sweeper):
    """Runs the jobs that are neither finished nor under way, through whichever launcher is configured.

    Args:
        score: by which the summary names the best row.
    """

    def __init__(self, score: str):
        self.score = score

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Sequence[JobReturn]:
        """
        Raises:
            SystemExit: 1 where a job is not done at the end, 2 where the folder is in use or of another config.
        """
        from vtryon.config.words import ConfigError
        from vtryon.runs.state import DONE, held
        from vtryon.runs.sweep import Sweep
        from vtryon.runs.sweep_summary import show

        try:
            folder, base, jobs = self._plan(arguments)
            folder.mkdir(parents=True, exist_ok=True)
            with held(folder):
                sweep = Sweep(folder, base, jobs)
                due = sweep.due()
                try:
                    sweep.write()
                    returned = self._launch(sweep, due)
                finally:
                    sweep.write()
                    show(sweep, due, self.score)
        except ConfigError as error:
            print(f"vtryon run: {error}", file=sys.stderr)
            raise SystemExit(2) from error
        if any(sweep.state(job)["state"] != DONE for job in sweep.jobs):
            raise SystemExit(1)
        return returned

    def _plan(self, arguments: list[str]) -> tuple[Path, DictConfig, list[tuple[list[str], DictConfig]]]:
        """The sweep's folder, its config without what is swept, and each job's overrides and config."""
        from vtryon.config.words import prepared
        from vtryon.runs.sweep import folder_of

        arguments = prepared(arguments)
        parsed = OverridesParser.create(self.hydra_context.config_loader).parse_overrides(arguments)
        self.varied = _varied(parsed)
        (grid,) = BasicSweeper.split_arguments(parsed, None)
        configs = [self._config(overrides) for overrides in grid]
        base = self._config([override.input_line for override in parsed if not override.is_sweep_override()])
        is_named = any(word.startswith("hydra.sweep.dir=") for word in self.config.hydra.overrides.hydra)
        folder = Path(self.config.hydra.sweep.dir) if is_named else folder_of(arguments, configs)
        return folder.absolute(), base, list(zip(grid, configs, strict=True))

    def _config(self, overrides: list[str]) -> DictConfig:
        from vtryon.config.compose import expand_home

        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            del config["hydra"]
        expand_home(config)
        return config

    def _launch(self, sweep, due: list) -> list[JobReturn]:
        """Launch, and go on with the rest where a job takes the launcher with it, as long as that gets anywhere."""
        with open_dict(self.config):
            self.config.hydra.sweep.dir = str(sweep.folder)
        launcher = Plugins.instance().instantiate_launcher(self.hydra_context, self.task_function, self.config)
        returned: list[JobReturn] = []
        while due:
            try:
                results = launcher.launch([self._words(sweep, job) for job in due], initial_job_idx=due[0].number)
            except Exception as error:
                log.error(f"the launcher ended early: {error}")
                left = sweep.left(due, f"{type(error).__name__}: {error}")
                due = left if len(left) < len(due) else []
            else:
                sweep.note(due, [_reason(result) for result in results])
                returned, due = [*returned, *results], []
        return returned

    def _words(self, sweep, job) -> list[str]:
        """The command line of one job: its overrides, its folder, and which keys the sweep varies."""
        from vtryon.config.words import quoted

        folder = [quoted("hydra.sweep.dir", sweep.folder), f"hydra.sweep.subdir={job.number}"]
        return [*job.overrides, *folder, f"varied=[{','.join(self.varied)}]"]


def _varied(overrides: list[Override]) -> list[str]:
    """Keys with several values. A seed alone tells nothing apart but repetitions, unless nothing else is varied."""
    keys = [override.key_or_group for override in overrides if override.is_sweep_override()]
    return [key for key in keys if key != "seed"] or keys


def _reason(result: Any) -> str | None:
    """Why a job failed, None where it did not."""
    try:
        _ = result.return_value
    except Exception as error:
        return str(error)
    return None
