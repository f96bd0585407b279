"""`vtryon report --upload`: offline runs go to wandb, then the tables, the workspace and a report for each table."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import wandb

from vtryon.dashboard.paper_report import paper_report
from vtryon.dashboard.summary_run import summary_run
from vtryon.dashboard.workspace import workspace
from vtryon.report.papers import ALL
from vtryon.report.reproduction import Reproduction, reproduction


def upload(places: Sequence[Path], experiments: Path, out: Path, entity: str | None, project: str) -> int:
    """Send everything; returns how many runs were sent.

    Args:
        places: folders of runs; the first is searched for the tables' rows.
        out: where the tables' own runs are written.

    Raises:
        ValueError: no account is known here, or wandb refused a run.
    """
    if wandb.api.api_key is None:
        raise ValueError("--upload: wandb knows no account here; `wandb login`, or set WANDB_API_KEY")
    entity = entity or wandb.Api().default_entity
    found = [one for one in reproductions(places[0], experiments) if one.lines or one.cells]
    page = out / "index.html"
    tables = [summary_run(one, page if page.is_file() else None, out, entity, project) for one in found]
    wandb.teardown()  # returns when their files are whole; the end of a run does not wait for that
    runs = [*offline_runs(*places), *tables]
    for run in runs:
        sync(run, entity, project)
    workspace(entity, project).save()
    for one in found:
        paper_report(one, entity, project).save()
    return len(runs)


def reproductions(place: Path, experiments: Path) -> list[Reproduction]:
    """All exhibits, from whatever rows lie below a folder."""
    return [reproduction(one, lambda recipe: place, place / "demo", experiments) for one in ALL]


def offline_runs(*places: Path) -> list[Path]:
    """Folders of runs that have not been sent yet, by path."""
    found = {run for place in places for run in place.rglob("wandb/offline-run-*") if run.is_dir()}
    return sorted(run for run in found if not list(run.glob("*.wandb.synced")))


def sync(run: Path, entity: str, project: str) -> None:
    """Send one run by wandb's own command."""
    command = [sys.executable, "-m", "wandb", "sync", "--entity", entity, "--project", project, str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"{run}: wandb sync failed: {(done.stderr or done.stdout).strip()[-300:]}")
