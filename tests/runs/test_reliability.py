"""Killed, stopped or half written: a run goes on as if nothing had been, and a sweep runs what is left."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import killing
import pytest
from omegaconf import OmegaConf
from wandb_offline import OfflineRun

TESTS = Path(__file__).parents[1]
QUICK = [word for word in killing.RUN if not word.startswith(("trainer.max_epochs", "data.root"))]


def script(folder: Path, *words: str) -> list[dict]:
    command = [sys.executable, str(TESTS / "killing.py"), str(folder), *words]
    # a test before this one may have left wandb's service running, which would outlive the run that is killed
    environment = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_a_run_goes_on_bit_for_bit_wherever_it_was_killed_or_stopped(tmp_path):
    found = script(tmp_path)
    assert [one["moment"] for one in found] == list(killing.MOMENTS)
    for one in found:
        number, _, _ = killing.MOMENTS[one["moment"]]
        assert one["ended"] == (-9 if number == signal.SIGKILL else 75), one
        assert (one["again"], one["differing"]) == (0, []), one
        assert one["seconds"] < 10, one


@pytest.mark.slow
def test_what_wandb_knows_of_a_killed_run_is_complete_and_the_run_keeps_its_id(tmp_path):
    (found,) = script(tmp_path, "--tracked")
    run = tmp_path / "tracked"
    assert (found["ended"], found["again"]) == (-9, 0), (tmp_path / "tracked.log").read_text()
    config = OmegaConf.to_container(OmegaConf.load(run / "config.yaml"))
    killed, went_on = sorted(path for path in (run / "wandb").glob("offline-run-*"))
    parts = [OfflineRun.under(killed, ended=False), OfflineRun.under(went_on)]
    assert [part.exit_code for part in parts] == [None, 0]
    assert parts[0].run.run_id == parts[1].run.run_id == json.loads((run / "trackers.json").read_text())["wandb"]
    for folder, part in zip((killed, went_on), parts, strict=True):
        assert {key: part.config[key] for key in config} == config
        assert part.config.keys() - config.keys() == {"_wandb", "record"}
        media = {path.relative_to(folder / "files").as_posix() for path in (folder / "files" / "media").rglob("*.*")}
        assert media == {value["path"] for row in part.history for value in row.values() if isinstance(value, dict)}
        assert media  # a panel a validation
    steps = [[row["trainer/global_step"] for row in part.history if "train/total" in row] for part in parts]
    assert steps[0]
    assert max(steps[0]) < max(steps[1])


@pytest.mark.slow
def test_the_comparison_sees_a_difference(tmp_path):
    (found,) = script(tmp_path, "--seeds")
    assert set(found["differing"]) >= {"weights", "optimiser", "random", "latest", "history", "model", "row"}


@pytest.mark.nightly
def test_fifty_kills_at_random_moments_lose_nothing(tmp_path):
    (found,) = script(tmp_path, "--random", "50")
    assert found["kills"] == 50
    assert (found["corrupt"], found["unequal"]) == (0, 0)
    assert found["rows"] == found["runs"] > 0
    assert found["while_saving"] > 0


LAUNCHERS = {
    "basic": [],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
    "submitit_local": ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=10"],
    "ray": ["hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=1"],
}


@pytest.mark.parametrize(
    "launcher",
    [pytest.param(name, marks=pytest.mark.slow if name == "basic" else pytest.mark.nightly) for name in LAUNCHERS],
)
def test_a_sweep_of_eight_killed_during_the_fourth_runs_exactly_five_again(launcher, tmp_path):
    if launcher != "basic":
        pytest.importorskip(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher")
    epochs = "1,2,3,16,17,18,19,20"  # three are done long before the fourth
    words = [*QUICK, "data.root.train=6", *LAUNCHERS[launcher], f"trainer.max_epochs={epochs}"]
    environment = os.environ | {"VTRYON_RUNS": str(tmp_path / "runs"), "VTRYON_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "vtryon", "run", "-m", *words]
    with (tmp_path / "first.log").open("w") as log:
        first = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
        try:
            until(lambda: states(tmp_path).count("done") == 3 and "running" in states(tmp_path))
        finally:
            kill_all_of(first)
    before = states(tmp_path)
    done = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("row.json")}
    assert len(done) == 3
    second = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stdout[-3000:] + second.stderr[-3000:]
    assert "8 jobs: 3 skipped, 5 done" in second.stdout
    assert all(file.stat().st_mtime_ns == then for file, then in done.items())
    (manifest,) = tmp_path.rglob("manifest.json")
    jobs = json.loads(manifest.read_text())["jobs"]
    assert [job["attempts"] for job in jobs] == [2 if state == "running" else 1 for state in before]
    assert [job["state"] for job in jobs] == ["done"] * 8


def states(place: Path) -> list[str | None]:
    found = []
    for number in range(8):
        files = list(place.glob(f"runs/*/sweep-*/{number}/state.json"))
        found.append(json.loads(files[0].read_text())["state"] if files else None)
    return found


def until(holds, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "too late"
        time.sleep(0.05)


def kill_all_of(process: subprocess.Popen) -> None:
    """The process and all that it has started, as when a machine goes down."""
    family = [process.pid]
    for pid in family:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            family += map(int, task.read_text().split())
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
