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
        from vtryon.attempt import DONE, held
        from vtryon.config import ConfigError
        from vtryon.sweep import Sweep
        from vtryon.sweep_summary import show

        try:
            folder, base, jobs = self._asked(arguments)
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

    def _asked(self, arguments: list[str]) -> tuple[Path, DictConfig, list[tuple[list[str], DictConfig]]]:
        """The sweep's folder, its config without what is swept, and each job's overrides and config."""
        from vtryon.sweep import folder_of

        parsed = OverridesParser.create(self.hydra_context.config_loader).parse_overrides(arguments)
        (grid,) = BasicSweeper.split_arguments(parsed, None)
        configs = [self._config(overrides) for overrides in grid]
        base = self._config([override.input_line for override in parsed if not override.is_sweep_override()])
        given = any(word.startswith("hydra.sweep.dir=") for word in self.config.hydra.overrides.hydra)
        folder = Path(self.config.hydra.sweep.dir) if given else folder_of(arguments, configs)
        return folder.absolute(), base, list(zip(grid, configs, strict=True))

    def _config(self, overrides: list[str]) -> DictConfig:
        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            del config["hydra"]
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

    @staticmethod
    def _words(sweep, job) -> list[str]:
        """What one job is told: its overrides, and its folder."""
        place = str(sweep.folder).replace("\\", "\\\\").replace("'", "\\'")
        return [*job.overrides, f"hydra.sweep.dir='{place}'", f"hydra.sweep.subdir={job.number}"]


def _reason(result: Any) -> str | None:
    """Why a job failed, None where it did not."""
    try:
        _ = result.return_value
    except Exception as error:
        return str(error)
    return None
