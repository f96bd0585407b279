"""The jobs of a sweep and their states: SWEEP/manifest.json, and one folder a job.

A sweep lies in RUNS/NAME/sweep-HASH, the hash being of what the command line asks for, so that the same command finds
it again. Each job writes its own RUN/state.json; the manifest is put together from them, by whoever comes last.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from vtryon.config.changes import PLACES, changes, listed
from vtryon.config.compose import conf_dir, read
from vtryon.config.words import ConfigError
from vtryon.runs.identity import essence
from vtryon.runs.state import DONE, RUNNING, differences, is_held, origin, read_state, record_failure
from vtryon.utils.atomic import atomic_write

FILE = "manifest.json"
MISSING, INTERRUPTED = "missing", "interrupted"


class Job(NamedTuple):
    """One run of a sweep."""

    number: int  # the name of its folder
    overrides: list[str]
    origin: dict[str, Any]  # config hash, weights before it, code


class Sweep:
    """What a sweep consists of.

    Args:
        folder: of the sweep.
        base: the config without what is swept, unresolved.
        jobs: the overrides of each job, and its config.

    Raises:
        ConfigError: the folder is of another base config, or holds finished work of other configs.
    """

    def __init__(self, folder: Path, base: DictConfig, jobs: Sequence[tuple[list[str], DictConfig]]):
        self.folder, previous = folder, _read(folder)
        self.base, self.recipes = OmegaConf.to_container(base), _recipes()
        self._refuse_another_base(previous.get("base", self.base))
        numbers = {frozenset(job["overrides"]): job["number"] for job in previous.get("jobs", [])}
        for overrides, _ in jobs:
            numbers.setdefault(frozenset(overrides), len(numbers))
        self.jobs = [Job(numbers[frozenset(o)], o, origin(essence(cfg))) for o, cfg in jobs]
        self._refuse_stale(dict(zip((job.number for job in self.jobs), (cfg for _, cfg in jobs), strict=True)))
        planned = {job.number for job in self.jobs}
        self.earlier = [job for job in previous.get("jobs", []) if job["number"] not in planned]

    def path(self, job: Job) -> Path:
        return self.folder / str(job.number)

    def due(self) -> list[Job]:
        """The jobs that are neither finished nor under way."""
        return [job for job in self.jobs if self.state(job)["state"] not in (DONE, RUNNING)]

    def state(self, job: Job) -> dict[str, Any]:
        """{"state", "attempts", "reason"}: missing, running, done, failed, stopped or interrupted (by a kill)."""
        written = read_state(self.path(job))
        state = written.get("state", MISSING)
        if state == RUNNING and not is_held(self.path(job)):
            state = INTERRUPTED
        return {"state": state, "attempts": written.get("attempts", 0), "reason": written.get("reason")}

    def note(self, launched: Sequence[Job], reasons: Sequence[str | None]) -> None:
        """Mark jobs that failed without writing their state."""
        for job, reason in zip(launched, reasons, strict=True):
            if reason is not None and self.state(job)["state"] in (MISSING, INTERRUPTED):
                record_failure(self.path(job), reason)

    def left(self, launched: Sequence[Job], reason: str) -> list[Job]:
        """After the launcher broke down: mark the jobs that were running as failed, return those not started."""
        died = [job for job in launched if self.state(job)["state"] == INTERRUPTED]
        self.note(died, [reason] * len(died))
        return [job for job in launched if self.state(job)["state"] == MISSING]

    def write(self) -> None:
        """SWEEP/manifest.json as things stand."""
        jobs = [job._asdict() | self.state(job) for job in self.jobs]
        content = {
            "base": self.base,
            "recipes": self.recipes,
            "jobs": sorted([*jobs, *self.earlier], key=lambda job: job["number"]),
        }
        with atomic_write(self.folder / FILE) as temporary:
            temporary.write_text(json.dumps(content, indent=1))

    def _refuse_another_base(self, previous: Mapping[str, Any]) -> None:
        if differing := changes(previous, self.base, without=PLACES):
            raise ConfigError(
                f"{self.folder} was begun with another config:{listed(differing)}\n"
                "undo the change, or name another folder (hydra.sweep.dir=DIR)"
            )

    def _refuse_stale(self, configs: Mapping[int, DictConfig]) -> None:
        """A finished job whose config is another by now is neither done again nor called done."""
        for job in self.jobs:
            state = read_state(self.path(job))
            if state.get("state") != DONE or state["origin"] == job.origin:
                continue
            config = OmegaConf.to_container(configs[job.number], resolve=True)
            if differing := differences(self.path(job), state["origin"], job.origin, config):
                raise ConfigError(
                    f"{self.path(job)} is finished, but of another config:{listed(differing)}\n"
                    "undo the change, delete that folder, or name another for the sweep (hydra.sweep.dir=DIR)"
                )


def place_of(run: Path) -> str:
    """Where the job of a run's folder stands in its sweep, such as "3 of 12"; "" where no sweep of ours planned it."""
    numbers = [job["number"] for job in _read(run.parent).get("jobs", [])]
    return f"{numbers.index(int(run.name)) + 1} of {len(numbers)}" if run.name in map(str, numbers) else ""


def is_finished(folder: Path) -> bool:
    """Whether a sweep is done, told without composing each of its configs.

    So it is if every job is done, conf/ is what it was, and of jobs that read the same weights one would be the same
    run today; where this says no, launching the sweep again tells exactly what is left.
    """
    previous = _read(folder)
    jobs = previous.get("jobs", [])
    states = [read_state(folder / str(job["number"])) for job in jobs]
    if not jobs or previous.get("recipes") != _recipes() or any(state.get("state") != DONE for state in states):
        return False
    by_weights = {json.dumps(state["origin"]["weights"]): (job, state) for job, state in zip(jobs, states, strict=True)}
    return all(origin(essence(read(job["overrides"]))) == state["origin"] for job, state in by_weights.values())


def _recipes() -> str:
    """A hash of all of conf/."""
    files = sorted(conf_dir().rglob("*.yaml"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def folder_of(overrides: Sequence[str], configs: Sequence[DictConfig]) -> Path:
    """Where a sweep lies that is asked for by these overrides, in any order."""
    names = {cfg.name for cfg in configs}
    digest = hashlib.sha256("\n".join(sorted(overrides)).encode()).hexdigest()
    return Path(configs[0].paths.runs) / (names.pop() if len(names) == 1 else "sweeps") / f"sweep-{digest[:8]}"


def _read(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / FILE).read_text())
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{folder / FILE} is not JSON ({error}); delete it, the jobs' own folders tell all"
        ) from error
