"""The command line as a whole: verbs, their help, and mistakes that end in one line."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from vtryon.cli import main
from vtryon.cli.recipes import headers
from vtryon.config.compose import ConfigError, check_command_line, composed, conf_dir, with_sweep

VERBS = (
    "demo",
    "train",
    "run",
    "recipes",
    "tryon",
    "app",
    "report",
    "reproduce",
    "export",
    "energy",
    "weights",
    "completion",
    "data",
    "bench",
)


def test_help_lists_every_verb(capsys):
    assert main(["--help"]) == 0
    listed = {
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ") and line.strip()
    }
    assert listed >= set(VERBS)


def test_the_help_of_a_run_fits_one_screen(capsys):
    assert main(["run", "experiment=student", "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) <= 40


def test_every_recipe_is_listed_with_purpose_cost_and_command(capsys):
    for recipe in headers(conf_dir() / "experiment"):
        assert recipe.purpose
        assert recipe.cost, recipe.name
        assert recipe.command.startswith("vtryon run"), recipe.name
    assert main(["recipes", "PRUNING", "warping"]) == 0
    shown = capsys.readouterr().out
    assert "t1_cwm_pruning" in shown
    assert "t4_qat" not in shown
    assert main(["recipes", "nothing", "of", "the", "kind"]) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["data.root=/a=b"], "\"data.root='/a=b'\""),
        (["data.root=/a (b"], "\"data.root='/a (b'\""),
        (["name=~x("], "\"name='~x('\""),
        (["data.root=~nobody_of_this_name/x"], "data.root=~nobody_of_this_name/x: must be a folder that exists"),
        (["experiment"], "must be key=value"),
        (["+typo=1"], "typo: nothing reads this key"),
        (["+hydra.typo=1"], "hydra.typo: Hydra reads no such key"),
        (["+ckpt_path=/no/such.ckpt"], "ckpt_path=/no/such.ckpt: must be last, or a checkpoint that exists"),
        (["ckpt_path=/no/such.ckpt"], "ckpt_path=/no/such.ckpt: must be last, or a checkpoint that exists"),
        (["debug=nothing"], "smoke"),
        (["+photo.typo=1"], "photo.typo: nothing reads this key"),
        (["+budget.student.typo=1"], "budget.student.typo: nothing reads this key"),
        (["+budget.mine={epochs: 1, typo: 2}"], "budget.mine.typo: nothing reads this key"),
        (["+paths.typo=x"], "paths.typo: nothing reads this key"),
        (["experiment=tutor_warp", "+parents.tutor=x"], "parents.tutor: no network of this run is read from it"),
        (["experiment=paste", "optimizer.lr=1"], "optimizer is null in this recipe"),
        (["experiment=t1_cwm_pruning", "compression.rato=1"], "rato: no such key; did you mean compression.ratio?"),
        (["experiment=t1_cwm_pruning", "compression.x=1"], "x: no such key; compression has global_pruning,"),
        (["experiment=t4_ptq", "compression.x=1"], "compression.x: no such key; compression has "),
        (["compresion.ratio=1"], "compresion: no such key; did you mean compression?"),
        (["optimizer.lr.x=1"], "optimizer.lr.x: no such key; optimizer.lr is 0.002 in this recipe"),
        (["hydra.launcher.n_jobs=2"], "hydra/launcher=joblib"),
        (["+hydra.launcher.n_jobs=2"], "hydra/launcher=joblib"),
        (["data.root=~/no/such/folder"], f"data.root={os.path.expanduser('~')}/no/such/folder: must be"),  # noqa: PTH111
        (["paths.run=/proc/version/run"], "/proc/version is a file"),
        (["paths.run=/proc/self/run"], "/proc/self cannot be written"),
        (["experiment=tutor_wrap"], "experiment=tutor_wrap: no such choice; did you mean experiment=tutor_warp? there"),
        (["compression=prun"], "compression=prun: no such choice; did you mean compression=prune? there are bf16,"),
        (["experiments=tutor"], "experiments: no such key; did you mean experiment?"),
        (["sweep=???"], "sweep=???: must be given a value"),
        (["varied=3"], "varied=3: must be a list"),
        (["experiment=budget", "compression.plan=null"], "compression.plan=null: must be a mapping with a _target_"),
        (["experiment=student_warp", "parents.tutor=null"], "parents.tutor=null: no such file; run the stage before"),
        (["experiment=student_warp", f"parents.tutor={'x' * 5000}"], "no such file; run the stage before this one"),
        (["+seed=3"], "An item is already at 'seed'.; Either remove + prefix: 'seed=3'"),
        (["parents.tutor=/", "experiment=student_warp"], "is a folder; give parents.tutor=//model.safetensors"),
    ],
)
def test_a_mistake_shows_how_to_write_it(words, says):
    with pytest.raises(ConfigError) as caught:
        check_command_line(words)
    assert says in str(caught.value)


@pytest.mark.parametrize("key", ["joblib hydra.launcher.n_jobs=2", "submitit_local hydra.launcher.timeout_min=10"])
def test_a_launcher_is_told_what_it_takes(key):
    launcher, override = key.split()
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher")
    check_command_line(["experiment=paste", f"hydra/launcher={launcher}", override])
    with pytest.raises(ConfigError, match=r"hydra\.launcher\.n_job"):
        check_command_line(["experiment=paste", f"hydra/launcher={launcher}", "hydra.launcher.n_job=2"])


def test_several_values_without_a_sweep_are_told_in_one_line(capsys):
    assert main(["run", "experiment=tutor_warp", "seed=0,1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vtryon run: seed=0,1: several values; add -m for a run of each, or quote")


@pytest.mark.parametrize("words", [["experiment=paste", "optimizer.lr=1"], ["optimizer.lr.x=1"]])
def test_no_message_proposes_the_key_that_was_given(words):
    with pytest.raises(ConfigError) as caught:
        check_command_line(words)
    assert f"did you mean {words[-1].partition('=')[0]}?" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_one_line_however_many_stages_would_lie_in_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))  # no home is writable here: another is set, and this one comes back
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert main(["demo", "--runs", str(tmp_path / "runs")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vtryon demo: paths.run: {tmp_path} cannot be written; ")
    assert "--runs DIR" in line


@pytest.mark.parametrize("home", [None, "/nobody/of/this/name"])
def test_without_a_home_libraries_get_a_temporary_one_and_no_library_speaks(tmp_path, monkeypatch, home):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # a number without a name, as in containers
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    assert main(["recipes", "student"]) == 0
    assert Path(os.environ["HOME"]).parent == Path(tempfile.gettempdir())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "word",
    [
        "+callbacks.mine={_target_: vtryon.callbacks.cost.CostRecord, size: [64, 64]}",
        "+budget.mine={epochs: 1, lr: 1e-3}",
    ],
)
def test_a_key_that_something_may_read_is_added(word):
    check_command_line(["experiment=tutor_warp", word])


def test_a_sweep_over_nothing_that_is_null_is_told():
    with pytest.raises(ConfigError):
        with_sweep(["sweep=null"])


def test_help_takes_a_blink():
    """The best of five, as other processes work beside it."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "vtryon", "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1  # 0.15 s on a quiet machine


def test_the_demo_lies_where_later_runs_look_for_its_stages(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setenv("VTRYON_RUNS", str(tmp_path))
    monkeypatch.setattr("vtryon.runs.pipeline.pipeline", lambda stages, folder, words: asked.append(folder) or [])
    with pytest.raises((OSError, ValueError)):  # there is nothing to show
        main(["demo"])
    assert asked == [tmp_path / "demo"] == [Path(composed(["experiment=distill"]).paths.chain)]
