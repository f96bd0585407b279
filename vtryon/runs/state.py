"""One attempt at a run: it holds the run's folder alone, and RUN/state.json says what became of it.

A lock is held by a process and not by a file, so that whatever kills the process frees the folder. The state is one
small file a run, because the jobs of a sweep may run on many machines that share nothing but a file system.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from vtryon.config.changes import PLACES, changes, listed
from vtryon.config.words import ConfigError
from vtryon.utils.atomic import atomic_write
from vtryon.utils.lock import locked

FILE = "state.json"
LEARNT = ("checkpoints/last.ckpt", "sensitivity.csv")  # what a run that was cut short goes on from
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"


@contextmanager
def attempt(folder: Path, row: Mapping[str, Any], config: Mapping[str, Any], leads: bool = True) -> Iterator[bool]:
    """Hold `folder` while the block runs, and record its end; yields whether the run is finished already.

    Args:
        row: what identifies the run; a folder that holds the work of another is not touched.
        config: the resolved config, to say what differs from the one that the folder was made with.
        leads: whether this process is the one of a data-parallel run that writes.

    Raises:
        ConfigError: another process is at it, or the folder belongs to another run.
    """
    if not leads:
        yield False
        return
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder):
        previous, current = read_state(folder), origin(row)
        _refuse_another(folder, previous, current, config)
        if previous.get("state") == DONE and (folder / "row.json").is_file():
            yield True
            return
        with atomic_write(folder / "config.yaml") as temporary:
            OmegaConf.save(OmegaConf.create(dict(config)), temporary)
        state = {"origin": current, "attempts": previous.get("attempts", 0) + 1, "started": _now()}
        _write(folder, state | {"state": RUNNING, "reason": None})
        try:
            yield False
        except BaseException as error:
            ended = STOPPED if isinstance(error, SystemExit | KeyboardInterrupt) else FAILED
            with suppress(OSError):  # a full disk is why it failed, and what has to be told
                _write(folder, state | {"state": ended, "reason": reason_of(error), "ended": _now()})
            raise
        _write(folder, state | {"state": DONE, "reason": None, "ended": _now()})


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Be the one process that works in a folder.

    Raises:
        ConfigError: naming who does already.
    """
    path = folder / ".lock"
    try:
        with locked(path, wait=False) as file:
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}, since {_now()},")
            file.flush()
            yield
    except BlockingIOError as error:
        owner = path.read_text().strip() or "another process"
        raise ConfigError(f"{folder}: {owner} works in it; wait for its end, or stop it first") from error


def is_held(folder: Path) -> bool:
    """Whether some process works in the folder now."""
    try:
        with held(folder):
            return False
    except ConfigError:
        return True


def read_state(folder: Path) -> dict[str, Any]:
    """What RUN/state.json says, {} where nothing was tried yet; a run without an end that nobody holds was killed."""
    try:
        state = json.loads((folder / FILE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return state if isinstance(state, dict) else {}


def record_failure(folder: Path, reason: str) -> None:
    """For a run that died, or never came as far as to have a state."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, {"attempts": 1} | read_state(folder) | {"state": FAILED, "reason": reason, "ended": _now()})


def reason_of(error: BaseException) -> str:
    """One line: what happened."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def origin(row: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a run this one and no other: its config, the weights before it, and the code's version."""
    weights = {role: parent["sha256"] for role, parent in row["parents"].items()}
    return {"config_hash": row["config_hash"], "vtryon": row["vtryon"], "weights": weights}


def differences(
    folder: Path, previous: Mapping[str, Any], current: Mapping[str, Any], config: Mapping[str, Any]
) -> list[str]:
    """What sets the work in a folder apart from a run: keys of the config, weights before it, version of the code.

    Args:
        previous: the origin of the work in the folder.
        current: the origin of the run.
        config: the run's, resolved.
    """
    file = folder / "config.yaml"
    if not file.is_file():
        return [f"{file} is missing: what its checkpoints were trained with is not known"]
    previous_config = OmegaConf.to_container(OmegaConf.load(file))
    return changes(previous_config, config, without=PLACES) + changes(previous, current, without=["config_hash"])


def _refuse_another(folder: Path, state: Mapping[str, Any], current: dict, config: Mapping[str, Any]) -> None:
    """What is learnt under one config must not go on under another, nor be written over."""
    learnt = state.get("state") == DONE or any((folder / name).is_file() for name in LEARNT)
    if not learnt or state.get("origin", current) == current:
        return
    if differing := differences(folder, state["origin"], current, config):
        raise ConfigError(
            f"{folder} holds the work of another config:{listed(differing)}\n"
            "delete the folder to start anew, or name another (paths.run=DIR; of the demo --runs DIR)"
        )


def _write(folder: Path, state: Mapping[str, Any]) -> None:
    with atomic_write(folder / FILE) as temporary:
        temporary.write_text(json.dumps(state, indent=1))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
