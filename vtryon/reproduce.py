"""`vtryon reproduce`: run what a paper's tables and figures lack, then report them beside what was published.

Every sweep is the one that `vtryon run -m experiment=NAME` asks for, in the same folder: what was done by hand is not
done again, and the other way round.
"""

import os
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from vtryon.config import ConfigError, conf_dir, read, with_sweep
from vtryon.report.energy import draw, points, write_points
from vtryon.report.exhibit import Exhibit, Recipe

RUNS = 100  # of each form of the correlation
SHARED = ("data", "debug", "trainer", "perceptual", "threads", "logger", "inception")  # keys that the stages take too
STAGES = ("paste", "untrained", "tutor_warp", "tutor", "student_warp", "student", "distill")
BENCH, ENERGY, NANO = "correlation", "energy", ("jetson_nano_10w", "jetson_nano_5w")
KINDS = ("paper", "table", "figure")


class Asked(NamedTuple):
    """What a command line asks for."""

    exhibits: dict[str, list[str]]  # paper, table, figure → names
    profile: str
    overrides: list[str]  # of all runs that learn or are judged

    @classmethod
    def of(cls, words: Sequence[str]) -> "Asked":
        """
        Raises:
            ConfigError: a word that is no key=value.
        """
        given = dict(_pair(word) for word in words)
        kinds = {kind: given.pop(kind).split(",") for kind in KINDS if kind in given}
        profile = given.pop("profile", "demo")
        if profile == "full" and "data.root" not in given:
            raise ConfigError("profile=full trains for days, on VITON: give data.root=DIR, or take profile=demo")
        return cls(kinds, profile, [f"{key}={value}" for key, value in given.items()])

    def words(self, recipe: Recipe) -> list[str]:
        """The overrides of a recipe's sweep, its own values included. What needs no data is counted at full width."""
        own = [] if recipe.name.endswith("_sizes") else self.overrides
        profile = [] if recipe.profile == "demo" else [f"profile={recipe.profile}"]
        return _swept(f"experiment={recipe.name}", *profile, *own)

    def wants(self, recipe: Recipe) -> bool:
        """Whether a recipe is a sweep that this command line runs; one that is not in conf/ yet is none."""
        there = (conf_dir() / "experiment" / f"{recipe.name}.yaml").is_file()
        return there and not recipe.command and (recipe.profile == self.profile or recipe.name.endswith("_sizes"))


def run_missing(asked: Asked, exhibits: Sequence[Exhibit], runs: Path) -> dict[str, str]:
    """Run the stages and sweeps that are not finished; returns what failed, and how: recipe → reason.

    Raises:
        ConfigError: a mistake in the overrides, before anything runs.
    """
    console, failed = Console(), {}
    recipes = {recipe.name: recipe for one in exhibits for recipe in one.recipes if asked.wants(recipe)}
    commands = {recipe.name for one in exhibits for recipe in one.recipes if recipe.name in COMMANDS}
    if ENERGY in commands or any(not name.endswith("_sizes") for name in recipes):
        _stages(asked, runs)
    work = {name: partial(COMMANDS[name], runs, asked.profile) for name in sorted(commands)}
    work |= {name: partial(_sweep, asked, recipe) for name, recipe in recipes.items()}
    for name, job in work.items():
        start = time.monotonic()
        console.rule(f"[bold]{name}[/]", align="left")
        try:
            reason = job()
        except (ConfigError, ModuleNotFoundError) as error:
            reason = str(error)
        if reason is not None:
            failed[name] = reason
        console.print(f"{name}: {time.monotonic() - start:.0f} s")
    return failed


def folder_of(asked: Asked, recipe: Recipe) -> Path | None:
    """Where the runs of a recipe lie; None where it is no sweep of this command line."""
    from vtryon.sweep import folder_of as sweep_folder

    if recipe.name in COMMANDS:
        return Path(os.environ["VTRYON_RUNS"]) / recipe.committed.partition("/")[0]
    if not asked.wants(recipe):
        return None
    words = asked.words(recipe)
    plain = [word for word in words if word.partition("=")[0] in ("experiment", "profile", "paths.runs")]
    try:
        return sweep_folder(words, [read(plain)]).absolute()
    except ConfigError:  # its parents are not there, so it has not run either
        return None


def _stages(asked: Asked, runs: Path) -> None:
    from vtryon.pipeline import pipeline

    plain = [word for word in asked.overrides if word.partition("=")[0].partition(".")[0] in SHARED]
    pipeline(STAGES, runs / asked.profile, [f"profile={asked.profile}", *plain])


def _bench(runs: Path, _: str) -> None:
    """What `vtryon bench correlation` measures, in RUNS/t5_img2col; times are not measured twice."""
    from vtryon.deploy_speed import correlation

    file = runs / "t5_img2col" / "measured.csv"
    if not file.is_file():
        correlation(RUNS, file)


def _energy(runs: Path, profile: str) -> None:
    """What `vtryon energy` makes of the stages' runs, in RUNS/f14_energy."""
    rows = [place for name in ("student", "distill") if (place := runs / profile / name).joinpath("row.json").is_file()]
    if rows:
        found, _ = points(rows, NANO, "laptop_15w")
        write_points(found, runs / "f14_energy" / "measured.csv")
        draw(found, runs / "f14_energy" / "energy.png")


COMMANDS = {BENCH: _bench, ENERGY: _energy}  # what leaves a CSV and is no sweep


def _sweep(asked: Asked, recipe: Recipe) -> str | None:
    """Launch a recipe's sweep if it is not finished; returns why it is not done, None where it is."""
    from vtryon.callbacks.stopping import REQUEUE
    from vtryon.config import check_command_line
    from vtryon.hydra_app import app
    from vtryon.sweep import is_finished

    words, folder = asked.words(recipe), folder_of(asked, recipe)
    if folder is not None and is_finished(folder):
        return None
    check_command_line(words)
    try:
        app(["-m", *words])
    except SystemExit as ended:
        if ended.code == REQUEUE:  # told to stop, and not only this sweep
            raise
        return f"not all of its jobs are done; vtryon run -m {' '.join(words)} tells why" if ended.code else None
    return None


@cache
def _swept(*words: str) -> list[str]:
    return with_sweep(words, single=True)


def _pair(word: str) -> tuple[str, str]:
    key, sign, value = word.partition("=")
    if not sign:
        raise ConfigError(f"{word}: must be key=value, such as paper=a16, table=1,2, figure=f7 or seed=0,1,2")
    return key, value


def use_runs(runs: Path) -> None:
    """All runs of this process lie in `runs`, and look for the stages before them there."""
    os.environ["VTRYON_RUNS"] = str(runs)
