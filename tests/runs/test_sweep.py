"""Sweeps: what is done is kept, what failed is told, and the same command runs what is left."""

import csv
import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from rich.console import Console

import vtryon.runs.identity
import vtryon.runs.run
from vtryon.cli.run import app
from vtryon.config.compose import ConfigError, read
from vtryon.report.render.terminal import table
from vtryon.report.tables.rows import label, read_rows, write_csv
from vtryon.runs.identity import identity, tracker_names
from vtryon.runs.pipeline import finished
from vtryon.runs.state import attempt, held
from vtryon.runs.sweep import is_finished

QUIET = ("hydra/job_logging=none", "hydra/hydra_logging=none", "hydra.sweeper.score=val/epe")
ASKED = ("experiment=tutor_warp", "seed=0,1,2,3")


class Jobs:
    """Runs without a network: they note which seeds were run, and do what a seed is told to."""

    def __init__(self):
        self.ran, self.fate, self.protocols, self.names = [], {}, {}, []

    def __call__(self, cfg) -> dict:
        row = identity(cfg)
        with attempt(Path(cfg.paths.run), row, OmegaConf.to_container(cfg, resolve=True)) as finished:
            if finished:
                raise AssertionError("a finished run was launched")
            self.ran.append(cfg.seed)
            self.names.append(tracker_names(cfg, row))
            self.fate.get(cfg.seed, lambda: None)()
            row |= {"scores": {"val/epe": 10.0 - cfg.seed}, "state": "done"}
            row |= {"protocol": {"name": self.protocols.get(cfg.seed, "usual")}}
            Path(cfg.paths.run, "row.json").write_text(json.dumps(row))
        return row


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("VTRYON_RUNS", str(tmp_path))
    monkeypatch.setattr(vtryon.runs.run, "run", (stub := Jobs()))
    monkeypatch.setattr(vtryon.runs.identity, "provenance", lambda: {"vtryon": "0.1.0"})
    return stub


def launch(*words: str) -> int:
    try:
        app(["-m", *(words or ASKED), *QUIET])
    except SystemExit as ended:
        return ended.code
    return 0


def manifest(place: Path) -> list[dict]:
    (file,) = place.rglob("manifest.json")
    return json.loads(file.read_text())["jobs"]


def fail(error: BaseException):
    def action():
        raise error

    return action


def test_a_sweep_records_each_job(jobs, tmp_path, capsys):
    assert launch() == 0
    assert jobs.ran == [0, 1, 2, 3]
    for number, job in enumerate(manifest(tmp_path)):
        assert job["number"] == number
        assert f"seed={number}" in job["overrides"]
        assert (job["state"], job["attempts"], job["reason"]) == ("done", 1, None)
        assert len(job["origin"]["config_hash"]) == 64
    assert "best val/epe: 7, job 3" in capsys.readouterr().out


def test_of_jobs_that_were_judged_under_several_protocols_none_is_the_best(jobs, tmp_path, capsys):
    jobs.protocols[3] = "another"
    assert launch() == 0
    out = capsys.readouterr().out
    assert "judged under several protocols" in out
    assert "best val/epe: " not in out


def test_one_failure_stops_no_other_job_and_is_told_at_the_end(jobs, tmp_path, capsys):
    jobs.fate[1] = fail(FloatingPointError("total is nan on samples 000003_0"))
    assert launch() == 1
    assert jobs.ran == [0, 1, 2, 3]
    assert [job["state"] for job in manifest(tmp_path)] == ["done", "failed", "done", "done"]
    out = capsys.readouterr().out
    assert "job 1: FloatingPointError: total is nan on samples 000003_0" in out
    assert "4 jobs: 3 done, 1 failed" in out
    assert all(len(line.rstrip()) <= 80 for line in out[out.index("what it varies") :].splitlines())


def test_the_same_command_runs_exactly_what_is_missing_or_failed(jobs, tmp_path, capsys):
    jobs.fate = {1: fail(ValueError("once")), 2: fail(KeyboardInterrupt())}
    with pytest.raises(KeyboardInterrupt):
        launch()
    assert jobs.ran == [0, 1, 2]
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("row.json")}
    jobs.ran, jobs.fate = [], {}
    capsys.readouterr()
    assert launch("seed=0,1,2,3", "experiment=tutor_warp") == 0  # in another order, it is the same sweep
    assert jobs.ran == [1, 2, 3]
    assert all(file.stat().st_mtime_ns == before for file, before in kept.items())
    assert [job["attempts"] for job in manifest(tmp_path)] == [1, 2, 2, 1]
    assert "4 jobs: 1 skipped, 3 done" in capsys.readouterr().out
    jobs.ran = []
    assert launch() == 0
    assert jobs.ran == []


def test_a_row_and_its_wandb_run_name_every_key_that_the_sweep_varies(jobs, tmp_path):
    assert (
        launch("experiment=tutor_warp", "data.batch_size=2,3", "optimizer.lr=1e-3,1e-4", "tags=[mine]", "seed=5") == 0
    )
    rows = sorted((json.loads(file.read_text()) for file in tmp_path.rglob("row.json")), key=lambda row: row["run"])
    assert [row["varied"] for row in rows] == [
        {"data.batch_size": batch, "optimizer.lr": rate} for batch in (2, 3) for rate in (1e-3, 1e-4)
    ]
    assert rows[1]["label"] == label(rows[1]) == "tutor_warp batch_size=2 lr=0.0001"
    (file,) = tmp_path.rglob("manifest.json")
    sweep = file.parent.name
    assert rows[1]["run"] == f"tutor_warp/{sweep}/1"
    assert {names["group"] for names in jobs.names} == {f"tutor_warp/{sweep}"}
    assert jobs.names[1]["name"] == f"{rows[1]['label']} seed=5"
    assert {"mine", "seed=5", "data.batch_size=2", "optimizer.lr=0.0001"} <= set(jobs.names[1]["tags"])
    write_csv(rows, tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert [line["run"] for line in lines] == [row["run"] for row in rows]
    assert [line["data.batch_size"] for line in lines] == ["2", "2", "3", "3"]


def test_repetitions_of_one_setting_are_told_apart_by_their_seeds(jobs, tmp_path, capsys):
    assert launch("experiment=tutor_warp", "data.batch_size=2,3", "seed=0,1") == 0
    assert len({names["name"] for names in jobs.names}) == 4
    assert jobs.names[0]["name"] == "tutor_warp batch_size=2 seed=0"
    rows = read_rows(tmp_path)
    assert [label(row) for row in rows] == ["tutor_warp batch_size=2"] * 2 + ["tutor_warp batch_size=3"] * 2
    capsys.readouterr()
    Console(width=120).print(table([row | {"scores": {"paired/ssim": 0.5}} for row in rows]))
    assert "tutor_warp batch_size=2 seed=1" in capsys.readouterr().out


def test_runs_of_several_seeds_are_told_apart_where_nothing_else_varies(jobs, tmp_path):
    assert launch() == 0
    assert [names["name"] for names in jobs.names] == [f"tutor_warp seed={number}" for number in range(4)]


def test_work_of_an_earlier_version_goes_on_where_only_modules_have_moved(tmp_path):
    config = {"model": {"_target_": "vtryon.old.AFWM"}, "seed": 0}
    row = {"config_hash": "a", "vtryon": "0.1.0", "parents": {}}
    with attempt(tmp_path, row, config):
        (tmp_path / "row.json").write_text("{}")
    moved = {"model": {"_target_": "vtryon.models.afwm.AFWM"}, "seed": 0, "ckpt_path": None}
    with attempt(tmp_path, row | {"config_hash": "b"}, moved) as finished:
        assert finished


def test_two_sweeps_lie_apart(jobs, tmp_path):
    launch()
    launch("experiment=tutor_warp", "seed=0,1", "data.batch_size=2")
    assert jobs.ran == [0, 1, 2, 3, 0, 1]
    assert len(list(tmp_path.rglob("manifest.json"))) == 2


def test_a_second_launch_at_the_same_time_is_refused_and_says_who_is_at_it(jobs, tmp_path, capsys):
    launch()
    (file,) = tmp_path.rglob("manifest.json")
    with held(file.parent):
        assert launch() == 2
    assert f"{file.parent}: process" in capsys.readouterr().err
    assert jobs.ran == [0, 1, 2, 3]


def test_a_job_that_another_process_is_at_is_left_to_it(jobs, tmp_path):
    jobs.fate[2] = fail(ValueError("once"))
    launch()
    (file,) = tmp_path.rglob("manifest.json")
    state = file.parent / "2" / "state.json"
    state.write_text(state.read_text().replace('"failed"', '"running"'))
    jobs.ran, jobs.fate = [], {}
    with held(file.parent / "2"):
        assert launch() == 1
    assert jobs.ran == []
    assert launch() == 0
    assert jobs.ran == [2]


def test_a_changed_config_is_refused_with_what_differs(jobs, tmp_path, capsys):
    (recipes := tmp_path / "mine" / "experiment").mkdir(parents=True)
    recipe = recipes / "mine.yaml"
    recipe.write_text("# @package _global_\ndefaults:\n  - tutor_warp\nname: mine\ndata:\n  batch_size: 4\n")
    words = ("--config-dir", str(tmp_path / "mine"), "experiment=mine", "seed=0,1")
    assert launch(*words) == 0
    recipe.write_text(recipe.read_text().replace("4", "2"))
    assert launch(*words) == 2
    err = capsys.readouterr().err
    assert "data.batch_size: 4 → 2" in err
    assert "seed" not in err
    assert jobs.ran == [0, 1]


def test_weights_that_have_changed_before_it_make_a_finished_job_stale(jobs, tmp_path, capsys):
    (weights := tmp_path / "tutor.safetensors").write_bytes(b"one")
    words = ("experiment=student_warp", f"parents.tutor={weights}", "seed=0,1")
    assert launch(*words) == 0
    weights.write_bytes(b"two")
    assert launch(*words) == 2
    assert "weights.tutor" in capsys.readouterr().err


def test_a_sweep_is_finished_until_weights_that_any_of_its_jobs_read_change(jobs, tmp_path):
    """Half of these jobs read the teacher alone, the others the tutor too."""
    parents = [tmp_path / "demo" / name / "model.safetensors" for name in ("tutor", "student")]
    for weights in parents:
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"one")
    assert launch("experiment=t1_cwm_pruning", "compression.ratio=0.2", "training=untuned,by_task") == 0
    (file,) = tmp_path.rglob("manifest.json")
    assert is_finished(file.parent)
    for weights in parents:
        weights.write_bytes(b"two")
        assert not is_finished(file.parent)
        weights.write_bytes(b"one")
    assert is_finished(file.parent)


def test_a_named_folder_takes_further_values_under_new_numbers(jobs, tmp_path):
    words = ("experiment=tutor_warp", f"hydra.sweep.dir={tmp_path / 'mine'}")
    assert launch(*words, "seed=5,6") == 0
    assert launch(*words, "seed=4,5,6,7") == 0
    assert jobs.ran == [5, 6, 4, 7]
    assert [(job["number"], job["overrides"][-1]) for job in manifest(tmp_path)] == [
        *((0, "seed=5"), (1, "seed=6"), (2, "seed=4"), (3, "seed=7"))
    ]
    assert launch(*words, "data.batch_size=2", "seed=8,9") == 2


def test_a_failed_row_comes_into_no_table(tmp_path):
    for name, state in (("good", "done"), ("bad", "failed"), ("old", None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "row.json").write_text(json.dumps({"name": name} | ({"state": state} if state else {})))
    assert [row["name"] for row in read_rows(tmp_path)] == ["good", "old"]


def test_a_folder_with_the_work_of_another_config_is_refused(tmp_path):
    row = {"config_hash": "a", "vtryon": "0.1.0", "parents": {}}
    with attempt(tmp_path, row, {"seed": 0, "paths": {"run": "x"}}):
        (tmp_path / "row.json").write_text("{}")
    with (
        pytest.raises(ConfigError, match=r"holds the work of another config:\n  seed: 0 → 1\n"),
        attempt(tmp_path, row | {"config_hash": "b"}, {"seed": 1, "paths": {"run": "y"}}),
    ):
        pass


def test_a_finished_run_is_not_done_again(tmp_path):
    row = {"config_hash": "a", "vtryon": "0.1.0", "parents": {}}
    for expected in (False, True):
        with attempt(tmp_path, row, {}) as finished:
            assert finished == expected
            (tmp_path / "row.json").write_text("{}")


def test_a_pipeline_does_not_take_a_failed_row_for_a_finished_run(tmp_path):
    (weights := tmp_path / "weights").write_bytes(b"one")
    cfg = read(["experiment=student_warp", f"parents.tutor={weights}", f"paths.run={tmp_path}"])
    for state, expected in (("failed", False), ("done", True)):
        (tmp_path / "row.json").write_text(json.dumps(identity(cfg) | {"state": state}))
        assert (finished(cfg) is not None) == expected
