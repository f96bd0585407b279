"""The jobs of a sweep and what became of them: SWEEP/manifest.json, one folder a job, launched again until all is done.

A sweep lies in RUNS/NAME/sweep-HASH, the hash being of what the command line asks for, so that the same command finds
it again. Each job writes its own RUN/state.json; the manifest is put together from them, by whoever comes last.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from vtryon.attempt import DONE, RUNNING, is_held, origin, read_state, record_failure
from vtryon.changes import PLACES, changes, listed
from vtryon.config import ConfigError, conf_dir, read
from vtryon.nn.atomic import atomic_write
from vtryon.run import essence

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
        self.folder, before = folder, _read(folder)
        self.base, self.recipes = OmegaConf.to_container(base), _recipes()
        self._refuse_another_base(before.get("base", self.base))
        numbers = {frozenset(job["overrides"]): job["number"] for job in before.get("jobs", [])}
        for overrides, _ in jobs:
            numbers.setdefault(frozenset(overrides), len(numbers))
        self.jobs = [Job(numbers[frozenset(o)], o, origin(essence(cfg))) for o, cfg in jobs]
        self._refuse_stale(dict(zip((job.number for job in self.jobs), (cfg for _, cfg in jobs), strict=True)))
        asked = {job.number for job in self.jobs}
        self.others = [job for job in before.get("jobs", []) if job["number"] not in asked]

    def path(self, job: Job) -> Path:
        return self.folder / str(job.number)

    def due(self) -> list[Job]:
        """The jobs that are neither finished nor under way."""
        return [job for job in self.jobs if self.state(job)["state"] not in (DONE, RUNNING)]

    def state(self, job: Job) -> dict[str, Any]:
        """{"state", "attempts", "reason"}: missing, running, done, failed, stopped or interrupted (by a kill)."""
        said = read_state(self.path(job))
        state = said.get("state", MISSING)
        if state == RUNNING and not is_held(self.path(job)):
            state = INTERRUPTED
        return {"state": state, "attempts": said.get("attempts", 0), "reason": said.get("reason")}

    def note(self, launched: Sequence[Job], reasons: Sequence[str | None]) -> None:
        """Record who failed before it could say so itself."""
        for job, reason in zip(launched, reasons, strict=True):
            if reason is not None and self.state(job)["state"] in (MISSING, INTERRUPTED):
                record_failure(self.path(job), reason)

    def left(self, launched: Sequence[Job], reason: str) -> list[Job]:
        """The launcher broke down: who was under way has failed; returns who had not been started."""
        died = [job for job in launched if self.state(job)["state"] == INTERRUPTED]
        self.note(died, [reason] * len(died))
        return [job for job in launched if self.state(job)["state"] == MISSING]

    def write(self) -> None:
        """SWEEP/manifest.json as things stand."""
        jobs = [job._asdict() | self.state(job) for job in self.jobs]
        content = {
            "base": self.base,
            "recipes": self.recipes,
            "jobs": sorted([*jobs, *self.others], key=lambda job: job["number"]),
        }
        with atomic_write(self.folder / FILE) as temporary:
            temporary.write_text(json.dumps(content, indent=1))

    def _refuse_another_base(self, before: Mapping[str, Any]) -> None:
        if differing := changes(before, self.base, without=PLACES):
            raise ConfigError(
                f"{self.folder} was begun with another config:{listed(differing)}\n"
                "undo the change, or name another folder (hydra.sweep.dir=DIR)"
            )

    def _refuse_stale(self, configs: Mapping[int, DictConfig]) -> None:
        """A finished job whose config is another by now is neither done again nor called done."""
        for job in self.jobs:
            said = read_state(self.path(job))
            if said.get("state") != DONE or said["origin"] == job.origin:
                continue
            old = OmegaConf.to_container(OmegaConf.load(self.path(job) / "config.yaml"))
            differing = changes(old, OmegaConf.to_container(configs[job.number], resolve=True), without=PLACES)
            differing += changes(said["origin"], job.origin, without=["config_hash"] if differing else [])
            raise ConfigError(
                f"{self.path(job)} is finished, but of another config:{listed(differing)}\n"
                "undo the change, delete that folder, or name another for the sweep (hydra.sweep.dir=DIR)"
            )


def is_finished(folder: Path) -> bool:
    """Whether a sweep is done, told without composing each of its configs.

    So it is if every job is done, conf/ is what it was, and of jobs that read the same weights one would be the same
    run today; where this says no, launching the sweep again tells exactly what is left.
    """
    before = _read(folder)
    jobs = before.get("jobs", [])
    states = [read_state(folder / str(job["number"])) for job in jobs]
    if not jobs or before.get("recipes") != _recipes() or any(said.get("state") != DONE for said in states):
        return False
    kinds = {json.dumps(said["origin"]["weights"]): (job, said) for job, said in zip(jobs, states, strict=True)}
    return all(origin(essence(read(job["overrides"]))) == said["origin"] for job, said in kinds.values())


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
