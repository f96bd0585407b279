"""The tables of an exhibit as an offline wandb run: cells, the sweep's rows, try-ons with pictures."""

from pathlib import Path

import pandas as pd
import wandb

from vtryon.report.tables.cells import cell_frame
from vtryon.report.tables.reproduction import Reproduction
from vtryon.report.wandb.paper_report import RUN

MOST = 8  # networks of a table of try-ons
STAGES = ("person", "cloth", "try-on", "teacher", "truth")


def summary_run(report: Reproduction, page: Path | None, folder: Path, entity: str | None, project: str) -> Path:
    """Write the run; returns its folder, which `wandb sync` takes.

    Args:
        page: the HTML page, which becomes an artifact.
        folder: the run's folder goes below FOLDER/wandb.
    """
    exhibit = report.exhibit
    folder.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        entity=entity,
        project=project,
        name=f"{exhibit.name}, published and measured",
        group=exhibit.name,
        job_type=RUN,
        config={"exhibit": exhibit.name, "title": exhibit.title, "command": exhibit.command},
        settings=wandb.Settings(silent=True, mode="offline", root_dir=str(folder)),
        reinit="create_new",
    )
    cells = _table(cell_frame(report.cells).astype({"dirty": str}))
    run.log({"cells": cells, "rows": _table(row_frame(report)), "try_ons": _table(try_on_frame(report))})
    if page is not None:
        artifact = wandb.Artifact(f"reproduction-{exhibit.name}", "reproduction", metadata=run.config.as_dict())
        artifact.add_file(str(page), policy="immutable")
        run.log_artifact(artifact)
    written = Path(run.settings.sync_dir)
    run.finish()
    return written


def row_frame(report: Reproduction) -> pd.DataFrame:
    """One line for each label of the measured rows: means over seeds."""
    lines = [
        [line.name, *(mean for mean, _ in line.values), line.seeds, line.source["location"]] for line in report.lines
    ]
    return pd.DataFrame(lines, columns=["row", *(shown.head for shown in report.exhibit.shown), "seeds", "run"])


def try_on_frame(report: Reproduction) -> pd.DataFrame:
    """One line a network and pair, with its pictures; of runs that are here."""
    lines, networks = [], 0
    for _, row in report.runs.iterrows():
        pairs = sorted((row["folder"] / "pictures").glob("*/*")) if row["folder"] is not None else []
        is_shown = row["name"] != "student" and pairs and networks < MOST
        networks += bool(is_shown)
        for pair in pairs if is_shown else ():
            files = [pair / f"{stage}.png" for stage in STAGES]
            pictures = [wandb.Image(str(file)) if file.is_file() else None for file in files]
            lines.append([row["label"], pair.parent.name, pair.name, *pictures])
    return pd.DataFrame(lines, columns=["network", "split", "pair", *STAGES], dtype=object)


def _table(frame: pd.DataFrame) -> wandb.Table:
    """A table of wandb, which takes no NaN for an empty cell."""
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return wandb.Table(columns=list(frame), data=rows, allow_mixed_types=True)
