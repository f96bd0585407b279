"""Run, kill, go on: a warm process that forks a child for each attempt, so that an attempt costs no imports.

python tests/killing.py FOLDER                  one kill at each kind of moment, a JSON line each
python tests/killing.py FOLDER --random 50      so many SIGKILLs at random moments, in one run after another
python tests/killing.py FOLDER --tracked        one kill of a run with wandb and pictures, and the run goes on
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import vtryon.runs.run
from vtryon.callbacks.checkpointing.stopping import Stopped
from vtryon.config.compose import read

# isort: split
import pytorch_lightning as L
import torch

RUN = (
    *("experiment=tutor_warp", "debug=smoke", "trainer=cpu", "perceptual=none", "data.root.train=14"),
    *("trainer.limit_train_batches=null", "trainer.max_epochs=3", "callbacks.last.every_n_steps=2"),
    *("logger.wandb=null", "callbacks.panel=null", "callbacks.progress=null", "callbacks.scores.features=[]"),
    *("callbacks.cost=null", "+trainer.enable_progress_bar=false"),
)
TRACKED = [word for word in RUN if not word.startswith(("logger", "callbacks.panel"))]
# what happens → when: a hook of a callback, and the optimiser steps done by then (6 an epoch)
MOMENTS = {
    "killed before the first checkpoint": (signal.SIGKILL, "on_train_batch_start", 1),
    "killed between two checkpoints": (signal.SIGKILL, "on_train_batch_start", 3),
    "killed within a step": (signal.SIGKILL, "on_before_optimizer_step", 5),
    "killed in the validation": (signal.SIGKILL, "on_validation_batch_start", 6),
    "killed at the start of an epoch": (signal.SIGKILL, "on_train_epoch_start", 12),
    "killed while it saves": (signal.SIGKILL, "saving", 8),
    "killed after the fit": (signal.SIGKILL, "on_fit_end", 18),
    "SIGTERM within an epoch": (signal.SIGTERM, "on_before_zero_grad", 2),
    "SIGUSR1 within an epoch": (signal.SIGUSR1, "on_train_batch_start", 7),
    "SIGTERM in the last step of an epoch": (signal.SIGTERM, "on_train_batch_start", 11),
    "SIGTERM in the validation": (signal.SIGTERM, "on_validation_batch_start", 12),
    "SIGTERM at the end of an epoch": (signal.SIGTERM, "on_validation_epoch_end", 6),
}


class Fate(L.Callback):
    """Sends this process a signal in a hook, once the optimiser has taken so many steps.

    pause: seconds before the signal.
    """

    def __init__(self, number: int, hook: str, steps: int, pause: float = 0):
        self.number, self.hook, self.steps, self.pause = number, hook, steps, pause

    def setup(self, trainer, pl_module, stage):
        self.trainer = trainer
        if self.hook == "saving":
            torch.save = self._half(torch.save)
        else:
            setattr(self, self.hook, self._strike)

    def _strike(self, *_, **__):
        if self.number and self.trainer.global_step >= self.steps:
            number, self.number = self.number, 0
            time.sleep(self.pause)
            os.kill(os.getpid(), number)

    def _half(self, save: Callable) -> Callable:
        def half(content, path):
            save(content, path)
            os.truncate(path, Path(path).stat().st_size // 2)
            self._strike()
            save(content, path)

        return half


def attempt(folder: Path, fate: L.Callback | None = None, words: Sequence[str] = RUN, **changes) -> int:
    """One attempt at the run in a child; how it ended, as `os.waitstatus_to_exitcode` has it."""
    pid = start(folder, fate, words, **changes)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def start(folder: Path, fate: L.Callback | None = None, words: Sequence[str] = RUN, **changes) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        sys.stdout = sys.stderr = (folder.parent / f"{folder.name}.log").open("a", buffering=1)
        _go(folder, fate, words, **changes)
        code = 0
    except Stopped as stopped:
        code = stopped.code
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _go(folder: Path, fate: L.Callback | None, words: Sequence[str], **changes) -> None:
    build = vtryon.runs.run.build

    def with_fate(*asked):
        data, stage, trainer = build(*asked)
        if fate is not None:
            trainer.callbacks.insert(0, fate)
        return data, stage, trainer

    vtryon.runs.run.build = with_fate
    vtryon.runs.run.run(read([*words, f"paths.run={folder}", *(f"{key}={value}" for key, value in changes.items())]))


def outcome(folder: Path) -> dict:
    """All that two runs have to have in common."""
    saved = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    row = json.loads((folder / "row.json").read_text())
    (ours,) = [state for name, state in saved["callbacks"].items() if name.startswith("Checkpoints")]
    return {
        "weights": saved["state_dict"],
        "optimiser": saved["optimizer_states"],
        "schedule": saved["lr_schedulers"],
        "random": ours["random"],
        "latest": ours["latest"],
        "history": (folder / "history.jsonl").read_bytes(),
        "model": (folder / "model.safetensors").read_bytes(),
        "row": [row["scores"], row["steps"], row["epochs"], row["state"]],
    }


def equal(one, other) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def differing(one: Path, other: Path) -> list[str]:
    first, second = outcome(one), outcome(other)
    return [name for name in first if not equal(first[name], second[name])]


def at_each_moment(place: Path) -> None:
    straight = place / "straight"
    assert attempt(straight) == 0, (place / "straight.log").read_text()
    for name, (number, hook, steps) in MOMENTS.items():
        folder = place / name.replace(" ", "_")
        began = time.monotonic()
        ended = attempt(folder, Fate(number, hook, steps))
        seconds = time.monotonic() - began
        again = attempt(folder)
        found = {"moment": name, "ended": ended, "seconds": round(seconds, 2), "again": again}
        print(json.dumps(found | {"differing": differing(straight, folder) if again == 0 else ["all"]}), flush=True)


def tracked(place: Path) -> None:
    """Killed a while after its first panel, gone on with, and stopped there by the end of the run."""
    folder = place / "tracked"
    ended = attempt(folder, Fate(signal.SIGKILL, "on_train_batch_start", 8, pause=5), TRACKED)
    print(json.dumps({"ended": ended, "again": attempt(folder, words=TRACKED)}), flush=True)


def at_random(place: Path, kills: int, seed: int = 0) -> None:
    """Kill and go on until each run is finished, and start the next, until there were so many kills."""
    draw, straight = random.Random(seed), place / "straight"
    began = time.monotonic()
    assert attempt(straight) == 0, (place / "straight.log").read_text()
    whole, count, corrupt, saving, unequal, runs = time.monotonic() - began, 0, 0, 0, 0, 0
    while count < kills:
        folder = place / f"run{runs}"
        runs += 1
        while True:
            pid = start(folder)
            deadline = draw.uniform(0.1, 1.0) * whole if count < kills else 60.0
            status = _wait(pid, deadline)
            if status is not None:
                assert status == 0, (place / f"{folder.name}.log").read_text()
                whole *= 0.8  # the machine is quicker than it was: kill sooner
                break
            whole *= 1.05  # or slower, and a run that never gets anywhere would be killed for ever
            count += 1
            saving += any(folder.glob("checkpoints/.last-*"))
            corrupt += not _loads(folder / "checkpoints" / "last.ckpt")
        unequal += bool(differing(straight, folder))
        shutil.rmtree(folder)
    found = {"kills": count, "while_saving": saving, "corrupt": corrupt, "runs": runs, "rows": runs, "unequal": unequal}
    print(json.dumps(found | {"seconds": round(time.monotonic() - began)}), flush=True)


def _wait(pid: int, seconds: float) -> int | None:
    """How the child ended within so many seconds; else it is killed, and None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _loads(path: Path) -> bool:
    """A checkpoint that is not there yet is not corrupt."""
    try:
        return not path.exists() or "state_dict" in torch.load(path, weights_only=True)
    except Exception:
        return False


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--random", type=int)
    parser.add_argument("--seeds", action="store_true")
    parser.add_argument("--tracked", action="store_true")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("VTRYON_CACHE", str(asked.folder / "cache"))
    torch.set_num_threads(1)
    if asked.random:
        at_random(asked.folder.resolve(), asked.random)
    elif asked.tracked:
        tracked(asked.folder.resolve())
    elif asked.seeds:
        places = [asked.folder.resolve() / f"seed{seed}" for seed in (0, 1)]
        assert [attempt(place, seed=seed) for seed, place in enumerate(places)] == [0, 0]
        print(json.dumps({"differing": differing(*places)}))
    else:
        at_each_moment(asked.folder.resolve())
