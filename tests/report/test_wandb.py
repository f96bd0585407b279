"""What would be sent to wandb, without an account: the objects as they are, and the offline runs read back."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import wandb
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws
from PIL import Image
from wandb_offline import OfflineRun

from vtryon.cli import main
from vtryon.report.papers.catalogue import ALL, choose
from vtryon.report.tables.reproduction import reproductions
from vtryon.report.wandb import upload as sending
from vtryon.report.wandb.paper_report import paper_report
from vtryon.report.wandb.summary_run import summary_run
from vtryon.report.wandb.workspace import COLUMNS, PANELS, summary_keys, workspace

ROOT = Path(__file__).parents[2]
TABLES = ("1", "2", "3")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run of table 2 with pictures, and its offline wandb folder."""
    place = tmp_path_factory.mktemp("runs")
    folder = place / "t2_igm_pruning" / "sweep" / "0"
    pair = folder / "pictures" / "unpaired" / "a__b"
    pair.mkdir(parents=True)
    for stage in ("person", "cloth", "try-on", "teacher"):
        Image.fromarray(np.full((96, 64, 3), 90, np.uint8)).save(pair / f"{stage}.png")
    row = {"name": "t2_igm_pruning", "profile": "demo", "seed": 0, "state": "done", "commit": "c0ffee"}
    row |= {"varied": {"compression.ratio": 0.2, "training": "by_task"}, "cost": {"gmacs": 0.3}}
    (folder / "row.json").write_text(json.dumps(row | {"scores": {"paired/ssim": 0.75}}))
    for number in "12":
        (folder / "wandb" / f"offline-run-{number}").mkdir(parents=True)
        (folder / "wandb" / f"offline-run-{number}" / f"run-{number}.wandb").write_bytes(b"")
    (folder / "wandb" / "offline-run-1" / "run-1.wandb.synced").write_bytes(b"")
    return place


@pytest.fixture(scope="module")
def found(runs):
    return reproductions(*choose({"table": ["2"]}), lambda recipe: runs, runs / "demo", ROOT / "experiments")[0]


def sent(thing) -> str:
    return thing._to_model().model_dump_json(by_alias=True, exclude_none=True)


def test_the_workspace_shows_quality_against_cost_and_the_try_ons():
    model = sent(workspace("me", "vtryon"))
    for word in (*COLUMNS, *PANELS, "Quality against cost", "Scatter Plot", "Media Browser", "Run Comparer"):
        assert word in model, word


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_a_report_with_its_cells_its_lint_and_its_runs(table, runs):
    (exhibit,) = choose({"table": [table]})
    one, *_ = reproductions(exhibit, lambda recipe: None, runs, ROOT / "experiments")
    report = paper_report(one, "me", "vtryon")
    model = sent(report)
    assert report.title == exhibit.title
    for recipe in exhibit.recipes:
        assert recipe.name in model
    for word in ("| deterministic |", "not available here", "lineage", "try_ons"):
        assert word in model, word
    assert "Lint, contradiction" in model or table == "3"
    assert all(key in model for key in summary_keys(exhibit.shown))


def test_a_table_s_own_run_holds_its_cells_rows_and_pictures(found, tmp_path):
    page = tmp_path / "index.html"
    page.write_text("<!DOCTYPE html>")
    place = summary_run(found, page, tmp_path / "out", "me", "vtryon")
    run = OfflineRun.under(place)
    assert (run.run.run_group, run.run.job_type, run.run.project) == ("t2", "reproduction", "vtryon")
    assert run.config["exhibit"] == "t2"
    tables = {name: table(place, run.summary[name]) for name in ("cells", "rows", "try_ons")}
    assert len(tables["cells"]["data"]) == len(found.cells)
    assert tables["cells"]["columns"][-8:] == [
        "commit",
        "dirty",
        "config_hash",
        "fingerprint",
        "profile",
        "cpu",
        "gpu",
        "date",
    ]
    assert tables["rows"]["data"][0][0] == "0.2 by_task"
    network, split, pair, *pictures = tables["try_ons"]["data"][0]
    assert (network, split, pair) == ("0.2 by_task", "unpaired", "a__b")
    assert [picture is None for picture in pictures] == [False] * 4 + [True]
    assert list(run.outputs())[-1] == "reproduction-t2"


def table(place: Path, summary: dict) -> dict:
    return json.loads((place / "files" / summary["path"]).read_text())


def test_wandb_s_own_command_would_send_the_run(found, tmp_path):
    place = summary_run(found, None, tmp_path, "me", "vtryon")
    OfflineRun.under(place)  # the file is whole
    command = [sys.executable, "-m", "wandb", "sync", "--dry-run", str(place)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Would sync 1 run(s)" in done.stdout + done.stderr


def test_only_runs_that_were_not_sent_are(runs):
    assert [run.name for run in sending.offline_runs(runs, runs)] == ["offline-run-2"]


def test_the_parts_of_a_run_that_went_on_are_sent_together_in_their_order():
    names = ("a/offline-run-1-x", "a/offline-run-2-x", "b/offline-run-3-y")
    assert sending.by_id([Path(name) for name in names]) == [[Path(names[0]), Path(names[1])], [Path(names[2])]]


def test_an_upload_sends_runs_tables_workspace_and_a_report_for_each_table(runs, tmp_path, monkeypatch, capsys):
    commands, saved = [], []
    monkeypatch.setattr(wandb.api.__class__, "api_key", property(lambda self: "k" * 40))
    monkeypatch.setattr(
        sending, "sync", lambda parts, entity, project: commands.append((parts[0].name, entity, project))
    )
    for thing in (ws.Workspace, wr.Report):
        monkeypatch.setattr(thing, "save", lambda self: saved.append(getattr(self, "title", None) or self.name))
    words = ["report", str(runs), "--out", str(tmp_path), "--upload", "--entity", "me", "--project", "shop"]
    assert main(words) == 0
    assert ("offline-run-2", "me", "shop") in commands
    assert len(commands) == 1 + len(set(saved) - {"vtryon, published and measured"})
    assert {"vtryon, published and measured", *(one.title for one in choose({"table": list(TABLES)}))} <= set(saved)
    assert f"{len(commands)} runs" in capsys.readouterr().out


def test_without_an_account_an_upload_says_what_to_do(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(wandb.api.__class__, "api_key", property(lambda self: None))
    assert main(["report", str(runs), "--out", str(tmp_path), "--upload"]) == 2
    assert re.search(r"wandb knows no account here; `wandb login`", capsys.readouterr().err)


@pytest.mark.slow
def test_every_number_that_a_dashboard_shows_is_in_the_summary_of_a_real_run(chain):
    summary = OfflineRun.under(chain / "distill").summary
    shown = {key for one in ALL for key in summary_keys(one.shown)} | set(COLUMNS) | set(PANELS)
    for key in shown:
        name, _, end = key.partition(".")
        assert name in summary, key
        assert not end or end in summary[name], key
