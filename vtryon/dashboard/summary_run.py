"""The tables of an exhibit as a wandb run of their own, offline: cells, the sweep's rows, try-ons with pictures."""

from pathlib import Path

import wandb

from vtryon.dashboard.paper_report import RUN
from vtryon.report.cells import ORIGIN, Cell, origin
from vtryon.report.measured import Measured
from vtryon.report.reproduction import Reproduction
from vtryon.report.rows import label

MOST = 8  # networks of a table of try-ons
STAGES = ("person", "cloth", "try-on", "teacher", "truth")


def summary_run(one: Reproduction, page: Path | None, folder: Path, entity: str | None, project: str) -> Path:
    """Write the run; returns its folder, which `wandb sync` takes.

    Args:
        page: the HTML page, which becomes an artifact with the runs' models as its inputs.
        folder: the run's goes to FOLDER/wandb.
    """
    settings = wandb.Settings(silent=True, mode="offline", root_dir=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        entity=entity,
        project=project,
        name=f"{one.exhibit.name}, published and measured",
        group=one.exhibit.name,
        job_type=RUN,
        config={"exhibit": one.exhibit.name, "title": one.exhibit.title, "command": one.exhibit.reproduce},
        settings=settings,
        reinit="create_new",
    )
    run.log({"cells": cell_table(one), "rows": row_table(one), "try_ons": try_on_table(one)})
    if page is not None:
        artifact = wandb.Artifact(f"reproduction-{one.exhibit.name}", "reproduction", metadata=run.config.as_dict())
        artifact.add_file(str(page), policy="immutable")
        run.log_artifact(artifact)
    place = Path(run.settings.sync_dir)
    run.finish()
    return place


def cell_table(one: Reproduction) -> wandb.Table:
    """One line a cell, with where it comes from."""
    rows = [
        [*(_plain(part) for part in cell[:-1]), cell.source.place if cell.source else None, *_origin(cell)]
        for cell in one.cells
    ]
    return wandb.Table(columns=[*Cell._fields[:-1], "run", *ORIGIN], data=rows, allow_mixed_types=True)


def row_table(one: Reproduction) -> wandb.Table:
    """One line a row of the demo."""
    columns = ["row", *(shown.head for shown in one.exhibit.shown), "seeds", "run"]
    rows = [[line.name, *(mean for mean, _ in line.values), line.seeds, line.source.place] for line in one.lines]
    return wandb.Table(columns=columns, data=rows, allow_mixed_types=True)


def try_on_table(one: Reproduction) -> wandb.Table:
    """One line a network and pair."""
    rows = []
    for of in _with_pictures(one)[:MOST]:
        for pair in sorted((of.folder / "pictures").glob("*/*")):
            pictures = [
                wandb.Image(str(file)) if (file := pair / f"{stage}.png").is_file() else None for stage in STAGES
            ]
            rows.append([label(of.row), pair.parent.name, pair.name, *pictures])
    return wandb.Table(columns=["network", "split", "pair", *STAGES], data=rows, allow_mixed_types=True)


def _with_pictures(one: Reproduction) -> list[Measured]:
    demo = [of for key, rows in one.rows.items() if key.endswith("@demo") for of in rows]
    return [of for of in demo if of.folder is not None and (of.folder / "pictures").is_dir()]


def _origin(cell: Cell) -> list[object]:
    return [_plain(value) for value in origin(cell).values()]


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int | float | bool) else str(value)
