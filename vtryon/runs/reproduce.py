"""Run what a paper's tables and figures lack: stages, sweeps, and the commands that leave a CSV.

Every sweep is the one that `vtryon run -m experiment=NAME` asks for, in the same folder: what was done by hand is not
done again, and the other way round.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from vtryon.config.compose import check_command_line, conf_dir, read, with_sweep
from vtryon.config.words import ConfigError
from vtryon.report.papers.exhibit import Exhibit, Recipe

SHARED = frozenset(
    ["data", "debug", "trainer", "perceptual", "threads", "logger", "inception", "alexnet"]
)  # keys that stages take too
KINDS = ("paper", "table", "figure")
TIMES = {"small": "hours", "full": "days"}  # of profiles that need a folder of photographs
SIZES = "_sizes"  # recipes whose name ends so count a network and need no data

Launch = Callable[[list[str]], None]  # starts a sweep by the words of its command line
Command = Callable[[Path, str], None]  # (folder of all runs, profile): leaves a CSV, and is no sweep


class Request(NamedTuple):
    """What a command line asks for."""

    exhibits: dict[str, list[str]]  # paper, table, figure → names
    profile: str
    overrides: list[str]  # of all runs that learn or are judged

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Request":
        """
        Raises:
            ConfigError: a word that is no key=value.
        """
        values = dict(_pair(argument) for argument in arguments)
        exhibits = {kind: values.pop(kind).split(",") for kind in KINDS if kind in values}
        profile = values.pop("profile", "demo")
        if profile in TIMES and "data.root" not in values:
            raise ConfigError(
                f"profile={profile} trains for {TIMES[profile]}, on VITON: give data.root=DIR, or take profile=demo"
            )
        return cls(exhibits, profile, [f"{key}={value}" for key, value in values.items()])

    def sweep_overrides(self, recipe: Recipe) -> list[str]:
        """The overrides of a recipe's sweep, its own values included. What needs no data is counted at full width."""
        overrides = [] if recipe.name.endswith(SIZES) else self.overrides
        profile = [] if recipe.profile == "demo" else [f"profile={recipe.profile}"]
        return _swept(f"experiment={recipe.name}", *profile, *overrides)

    def runs(self, recipe: Recipe) -> bool:
        """Whether a recipe is a sweep that this command line runs; one that is not in conf/ yet is none."""
        exists = (conf_dir() / "experiment" / f"{recipe.name}.yaml").is_file()
        return exists and not recipe.command and (recipe.profile == self.profile or recipe.name.endswith(SIZES))


class Reproducer:
    """Runs what is missing of a request.

    Args:
        request: the exhibits, profile and overrides.
        runs: folder of all runs.
        launch: starts a sweep.
        commands: by name, what leaves a CSV and is no sweep.
        after_stages: names of the commands that read the runs of the stages.
    """

    def __init__(
        self,
        request: Request,
        runs: Path,
        launch: Launch,
        commands: Mapping[str, Command],
        after_stages: Sequence[str] = (),
    ):
        self.request, self.runs, self.launch, self.commands = request, runs, launch, commands
        self.after_stages = after_stages

    def run_missing(self, exhibits: Sequence[Exhibit]) -> dict[str, str]:
        """Run the stages and sweeps that are not finished; returns what failed: recipe → reason.

        Raises:
            ConfigError: a mistake in the overrides, before anything runs.
        """
        recipes = [recipe for exhibit in exhibits for recipe in exhibit.recipes]
        sweeps = {recipe.name: recipe for recipe in recipes if self.request.runs(recipe)}
        commands = sorted({recipe.name for recipe in recipes} & set(self.commands))
        if set(self.after_stages) & set(commands) or any(not name.endswith(SIZES) for name in sweeps):
            self._run_stages()
        work = {name: partial(self.commands[name], self.runs, self.request.profile) for name in commands}
        work |= {name: partial(self._run_sweep, recipe) for name, recipe in sweeps.items()}
        console, failed = Console(), {}
        for name, action in work.items():
            start_time = time.monotonic()
            console.rule(f"[bold]{name}[/]", align="left")
            try:
                reason = action()
            except (ConfigError, ModuleNotFoundError) as error:
                reason = str(error)
            if reason is not None:
                failed[name] = reason
            console.print(f"{name}: {time.monotonic() - start_time:.0f} s")
        return failed

    def folder_of(self, recipe: Recipe) -> Path | None:
        """The folder of a recipe's runs; None where it is no sweep of this request."""
        from vtryon.runs.sweep import folder_of

        if recipe.name in self.commands:
            return self.runs / recipe.committed.partition("/")[0]
        if not self.request.runs(recipe):
            return None
        overrides = self.request.sweep_overrides(recipe)
        plain = [
            override for override in overrides if override.partition("=")[0] in ("experiment", "profile", "paths.runs")
        ]
        try:
            return folder_of(overrides, [read(plain)]).absolute()
        except ConfigError:  # its parents are not there, so it has not run either
            return None

    def _run_stages(self) -> None:
        from vtryon.runs.pipeline import chain_of, pipeline

        shared_overrides = [
            override for override in self.request.overrides if override.partition("=")[0].partition(".")[0] in SHARED
        ]
        overrides = [f"profile={self.request.profile}", *shared_overrides]
        stages, _ = chain_of(overrides)
        pipeline(stages, self.runs / self.request.profile, overrides)

    def _run_sweep(self, recipe: Recipe) -> str | None:
        """Launch a recipe's sweep if it is not finished; returns why it is not done, None where it is."""
        from vtryon.callbacks.checkpointing.stopping import REQUEUE
        from vtryon.runs.sweep import is_finished

        overrides, folder = self.request.sweep_overrides(recipe), self.folder_of(recipe)
        if folder is not None and is_finished(folder):
            return None
        check_command_line(overrides)
        try:
            self.launch(["-m", *overrides])
        except SystemExit as end:
            if end.code == REQUEUE:  # told to stop, and not only this sweep
                raise
            return f"not all of its jobs are done; vtryon run -m {' '.join(overrides)} tells why" if end.code else None
        return None


@cache
def _swept(*overrides: str) -> list[str]:
    return with_sweep(overrides, single=True)


def _pair(argument: str) -> tuple[str, str]:
    key, equals, value = argument.partition("=")
    if not equals:
        raise ConfigError(f"{argument}: must be key=value, such as paper=a16, table=1,2, figure=f7 or seed=0,1,2")
    return key, value


def use_runs(runs: Path) -> None:
    """All runs of this process lie in `runs`, and look for the stages before them there."""
    os.environ["VTRYON_RUNS"] = str(runs)
