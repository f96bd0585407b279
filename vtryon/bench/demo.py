"""`vtryon bench demo`: how long `vtryon demo` takes from an empty folder, stage by stage."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from vtryon.bench.results import show


def main(overrides: Sequence[str] = (), quick: bool = False, out: Path | None = None) -> int:
    """Run the demo in a process and a cache of its own; `overrides` are for all of its runs.

    Raises:
        RuntimeError: the demo failed; with the end of what it said.
    """
    load, clock = os.getloadavg()[0], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        command = [sys.executable, "-m", "vtryon", "demo", "--runs", str(runs), *overrides]
        done = subprocess.run(
            [*command, *(["--quick"] if quick else [])],
            env=os.environ | {"VTRYON_CACHE": str(Path(folder) / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the demo ended with {done.returncode}: {done.stderr[-500:]}")
        seconds = {"whole": time.perf_counter() - clock} | _seconds(runs)
    rows: list[dict[str, Any]] = [
        {"demo": "quick" if quick else "whole", "stage": stage, "seconds": value, "load": load}
        for stage, value in seconds.items()
    ]
    return show([_table(rows)], rows, out)


def _seconds(runs: Path) -> dict[str, float]:
    rows = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(runs.glob("*/row.json"))]
    return {row["name"]: row["seconds"] for row in sorted(rows, key=lambda row: row["date"])}


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("stage", "seconds", title="vtryon demo, from an empty folder")
    for row in rows:
        table.add_row(row["stage"], f"{row['seconds']:.0f}")
    return table
