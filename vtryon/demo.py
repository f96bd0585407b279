"""`vtryon demo`: the main job on the embedded default, from an empty folder to a table and a strip of try-ons."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from vtryon.nn.atomic import atomic_write
from vtryon.pipeline import pipeline
from vtryon.report.rows import write_csv
from vtryon.report.terminal import table

# baselines, the stages of PF-AFN, and a student of half the width that learns from the dense one
RUNS = (
    "paste",
    "untrained",
    "tutor_warp",
    "tutor",
    "student_warp",
    "student",
    "distill",
)
SHOWN = ("paste", "untrained", "student", "distill")


def demo(folder: Path, overrides: Sequence[str] = ()) -> None:
    """Make the runs that `folder` lacks, then show what they measured and what they look like."""
    rows = pipeline(RUNS, folder, ["profile=demo", *overrides])
    console = Console()
    console.rule("[bold]what was measured[/]", align="left")
    console.print(table([row for row in rows if row["name"] in SHOWN]))
    write_csv(rows, Path(folder) / "measured.csv")
    strip = Path(folder) / "try_on.png"
    with atomic_write(strip) as temporary:
        shutil.copyfile(Path(folder) / "distill" / "panels" / "unpaired_test.png", temporary)
    console.print(f"the try-ons: {strip}\nthe rows: {folder}/measured.csv, whole in {folder}/*/row.json")
