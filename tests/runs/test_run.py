"""Recipes run from their first step to their row, again and again, from anywhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from smoke_runs import SMOKE, rows, vtryon

from vtryon.callbacks.trackers.tracker import finish
from vtryon.cli import main
from vtryon.config.compose import read
from vtryon.models.afwm import AFWM
from vtryon.models.checkpoint import load_net, save_official
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet
from vtryon.runs.build import build
from vtryon.runs.pipeline import chain_of
from vtryon.runs.run import run

ROOT = Path(__file__).parents[2]
RUNS = tuple(chain_of(["profile=demo"])[0])
pytestmark = pytest.mark.slow


def test_the_demo_leaves_a_complete_row_for_each_stage(chain):
    for name in RUNS:
        row = json.loads((chain / name / "row.json").read_text())
        for key in (
            "seed",
            "commit",
            "dirty",
            "config_hash",
            "cpu",
            "versions",
            "fingerprint",
            "size",
            "date",
            "scores",
        ):
            assert key in row, (name, key)
    student = json.loads((chain / "student" / "row.json").read_text())
    for key in ("paired/ssim", "paired/mse", "paired/psnr", "paired/epe", "unpaired/ssim", "unpaired/fd_efficientnet"):
        assert isinstance(student["scores"][key], float), key
    assert student["scores"]["unpaired/fid"] is None
    assert "pt_inception" in student["empty"]["unpaired/fid"]
    assert student["perceptual"] == "efficientnet_lite0"
    assert student["cost"]["cwm/params_m"] + student["cost"]["igm/params_m"] == pytest.approx(
        student["cost"]["params_m"]
    )
    assert (chain / "try_on.png").is_file()
    document = (chain / "report" / "index.html").read_text()
    links = set(re.findall(r'href="(rows/[^"]*)"', document))
    assert {json.loads((chain / "report" / link).read_text())["name"] for link in links} == set(RUNS)
    trained_on = load_net(chain / "student" / "model.safetensors").trained_on
    assert trained_on == {"name": "drawn people", "fingerprint": student["fingerprint"]}


def test_a_row_names_the_weights_that_it_came_from(chain):
    row = json.loads((chain / "distill" / "row.json").read_text())
    teacher = row["parents"]["teacher"]
    assert Path(teacher["path"]) == chain / "student" / "model.safetensors"
    assert len(teacher["sha256"]) == 64


def test_a_second_demo_skips_what_is_done(chain, monkeypatch, capsys):
    monkeypatch.setenv("VTRYON_CACHE", str(chain.parent / "cache"))
    before = {name: (chain / name / "row.json").stat().st_mtime_ns for name in RUNS}
    assert main(["demo", "--runs", str(chain), *SMOKE]) == 0
    assert capsys.readouterr().out.count("done before") == len(RUNS)
    assert before == {name: (chain / name / "row.json").stat().st_mtime_ns for name in RUNS}


def test_the_released_weights_are_tested_as_they_are(here):
    net = TryOnNet(AFWM(), ResUnetGenerator())
    save_official(net, here / "w.pth", here / "g.pth")
    done = vtryon("run", "experiment=official", "model.warp_path=w.pth", "model.generator_path=g.pth", *SMOKE)
    assert done.returncode == 0, done.stderr
    (row,) = rows(here / "runs")
    assert row["cost"]["params_m"] == pytest.approx(73.204384)


@pytest.mark.filterwarnings("ignore:.*smaller than the logging interval")
def test_a_run_cut_short_goes_on_from_its_checkpoint(chain, here):
    overrides = ["experiment=tutor_warp", *SMOKE, f"paths.run={here / 'cut'}", "trainer.max_epochs=2"]
    cfg = read(overrides)
    data, stage, trainer = build(cfg)
    trainer.fit_loop.max_epochs = 1
    trainer.fit(stage, datamodule=data)
    finish(trainer.loggers)
    assert (here / "cut" / "checkpoints" / "last.ckpt").is_file()
    row = run(cfg)
    assert row["epochs"] == 2
    assert row["steps"] == 4
    assert len(list((here / "cut" / "metrics").glob("version_*/metrics.csv"))) == 2  # the first part's is kept


def test_two_processes_train_one_network(here):
    gloo = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.sync_batchnorm=false"]
    done = vtryon("run", "experiment=tutor_warp", "debug=smoke", *gloo)
    assert done.returncode == 0, done.stderr
    (row,) = rows(here / "runs")
    assert isinstance(row["scores"]["val/epe"], float)


def test_mistakes_end_with_a_code_and_without_a_traceback(here):
    done = vtryon("run", "model.generator.ngf=0")
    assert done.returncode == 2
    assert "model.generator.ngf=0: must be" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (here / "runs").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["data.val_size=6"], "val_size (=6) leaves fewer than 2 of 6"),
        (["data.size=[32,32]", "data.batch_size=3", "trainer.limit_train_batches=null"], "batch norm needs two"),
        (["+data.typo=1"], "data.typo: VitonDataModule takes no typo"),
        (["+trainer.typo=1"], "trainer.typo: Trainer takes no typo"),
        (["optimizer.betas=[]"], "optimizer: "),
        (["ckpt_path=last"], "does not exist; give paths.run=DIR"),
    ],
)
def test_what_only_building_shows_is_told_in_one_line(here, capsys, words, says):
    assert main(["run", "experiment=tutor_warp", *SMOKE, "logger.wandb=null", *words]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_a_tracker_refuses_what_it_does_not_pass_on(here, capsys):
    typos = ["+logger.wandb.grop=x", "+logger.mlflow.x=1"]
    assert main(["run", "experiment=tutor_warp", *SMOKE, "logger=[csv,wandb,mlflow]", *typos]) == 2
    wandb, mlflow = capsys.readouterr().err.splitlines()
    assert "logger.mlflow.x: MlflowTracker takes no x" in mlflow
    assert "logger.wandb.grop: WandbTracker takes no grop; it takes group" in wandb


def test_the_file_of_another_network_is_refused_as_a_parent(chain, here, capsys):
    student = chain / "student" / "model.safetensors"
    assert main(["run", "experiment=student_warp", f"parents.tutor={student}", *SMOKE]) == 2
    assert "holds a student's network" in capsys.readouterr().err


def test_a_run_goes_on_from_a_checkpoint_that_is_named(chain, here):
    words = ["experiment=tutor_warp", *SMOKE, "logger.wandb=null"]
    last = "ckpt_path=first/checkpoints/last.ckpt"
    assert main(["run", *words, "paths.run=first"]) == 0
    assert main(["run", *words, "paths.run=second", "trainer.max_epochs=2", last]) == 0
    row = json.loads((here / "second" / "row.json").read_text())
    assert (row["steps"], row["epochs"]) == (4, 2)
    assert len(row["parents"]["checkpoint"]["sha256"]) == 64


def test_a_broken_picture_stops_a_run_at_once_with_its_path(chain, here):
    (root,) = (chain.parent / "cache" / "synthetic").glob("*-64x64-*")
    shutil.copytree(root, here / "viton")
    broken = sorted((here / "viton" / "VITON_traindata" / "train_img").iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:400])
    done = vtryon("run", "experiment=tutor_warp", "data.root=viton", *SMOKE)
    assert done.returncode == 2
    assert str(broken.relative_to(here)) in done.stderr
    assert "Traceback" not in done.stderr
    (row,) = rows(here / "runs")
    assert row["state"] == "failed"
    assert broken.name in row["reason"]


def test_missing_published_weights_are_named_and_never_replaced(here, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(here))
    done = vtryon("run", "experiment=tutor_warp", "perceptual=vgg19", *SMOKE)
    assert done.returncode == 2
    assert "vgg19-dcbb9e9d.pth" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_built_wheel_carries_the_recipes(tmp_path):
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        ROOT,
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [
            name for name in archive.namelist() if "experiments/weights" in name
        ]  # not under the code's licence
        archive.extractall(tmp_path / "installed")
    code = "from vtryon.config import compose as c; print(c.conf_dir()); c.composed(['experiment=student'], None)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert str(tmp_path / "installed" / "vtryon" / "conf") in done.stdout
