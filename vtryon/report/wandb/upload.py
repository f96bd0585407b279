"""`vtryon report --upload`: offline runs go to wandb, then the tables, the workspace and a report for each table."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import wandb

from vtryon.report.papers.catalogue import ALL
from vtryon.report.tables.reproduction import Reproduction, reproductions
from vtryon.report.wandb.paper_report import paper_report
from vtryon.report.wandb.summary_run import summary_run
from vtryon.report.wandb.workspace import workspace


def upload(paths: Sequence[Path], experiments: Path, out: Path, entity: str | None, project: str) -> int:
    """Send everything; returns how many runs were sent.

    Args:
        paths: folders of runs; the first is searched for the tables' rows.
        out: where the tables' own runs are written.

    Raises:
        ValueError: no account is known here, or wandb refused a run.
    """
    if wandb.api.api_key is None:
        raise ValueError("--upload: wandb knows no account here; `wandb login`, or set WANDB_API_KEY")
    entity = entity or wandb.Api().default_entity
    reports = [report for report in all_reproductions(paths[0], experiments) if report.lines or report.cells]
    page = out / "index.html"
    tables = [summary_run(report, page if page.is_file() else None, out, entity, project) for report in reports]
    wandb.teardown()  # returns when their files are whole; the end of a run does not wait for that
    runs = by_id([*offline_runs(*paths), *tables])
    for run_folders in runs:
        sync(run_folders, entity, project)
    workspace(entity, project).save()
    for report in reports:
        paper_report(report, entity, project).save()
    return len(runs)


def all_reproductions(runs: Path, experiments: Path) -> list[Reproduction]:
    """All exhibits, from all rows below a folder."""
    results_by_exhibit = [reproductions(exhibit, lambda recipe: runs, runs / "demo", experiments) for exhibit in ALL]
    return [result for results in results_by_exhibit for result in results]


def offline_runs(*paths: Path) -> list[Path]:
    """Folders of runs that have not been sent yet, by path."""
    runs = {run for path in paths for run in path.rglob("wandb/offline-run-*") if run.is_dir()}
    return sorted(run for run in runs if not list(run.glob("*.wandb.synced")))


def by_id(folders: Sequence[Path]) -> list[list[Path]]:
    """Offline folders by the run that they are parts of: a run that went on after a stop has one for each attempt."""
    runs: dict[tuple[Path, str], list[Path]] = {}
    for folder in folders:
        runs.setdefault((folder.parent, folder.name.rpartition("-")[2]), []).append(folder)
    return list(runs.values())


def sync(run_folders: Sequence[Path], entity: str, project: str) -> None:
    """Send one run by wandb's own command, which joins its folders in the order of their start."""
    folders = [str(folder) for folder in run_folders]
    command = [sys.executable, "-m", "wandb", "sync", "--entity", entity, "--project", project, *folders]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise ValueError(f"{folders[0]}: wandb sync failed: {(process.stderr or process.stdout).strip()[-300:]}")
