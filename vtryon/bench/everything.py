"""`vtryon bench all`: every benchmark in turn, each in a process of its own, all numbers in one CSV."""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from vtryon.bench.results import ORIGIN, show

COMMANDS = {
    "data": (),
    "train-step": (),
    "correlation": (),
    "model": ("--width", "full", "--width", "pruned", "--width", "tenth", "--width", "tenth_coarse"),
    "structure": (),
    "export": ("--width", "full", "--precision", "int8"),
    "demo": (),
    "sweep": (),  # after `vtryon demo`
}


def main(names: Sequence[str] = tuple(COMMANDS), out: Path | None = None) -> int:
    """Run the benchmarks that `names` lists; returns 1 where one failed, and the numbers of the others all the same.

    Raises:
        ValueError: a name that is no benchmark.
    """
    for name in names:
        if name not in COMMANDS:
            raise ValueError(f"bench (={name!r}) must be one of {', '.join(COMMANDS)}")
    rows, failed = [], []
    for name in names:
        measured = list(_numbers(name))
        rows += measured
        failed += [] if measured else [name]
    if rows:
        show([_table(rows)], rows, out)
    for name in failed:
        print(f"vtryon bench {name} gave no numbers; run it by itself to see why", file=sys.stderr)
    return 1 if failed else 0


def _numbers(name: str) -> Iterator[dict[str, Any]]:
    """A row for each number of a benchmark: of what it is, and the load before and after."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        command = [sys.executable, "-m", "vtryon", "bench", name, *COMMANDS[name], "--out", str(file)]
        done = subprocess.run(command, check=False)
        if done.returncode or not file.is_file():
            return
        with file.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.DictReader(stream))
    after = os.getloadavg()[0]
    for line in lines:
        cells = {column: cell for column, cell in line.items() if column not in ORIGIN and cell}
        case = " ".join(cell for cell in cells.values() if not _is_number(cell))
        for column, cell in cells.items():
            if _is_number(cell):
                found = {"bench": name, "case": case, "number": column, "value": cell}
                yield found | {"load_before": before, "load_after": after}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("bench", "numbers", "load before", "load after", title="every benchmark")
    for name in dict.fromkeys(row["bench"] for row in rows):
        of_bench = [row for row in rows if row["bench"] == name]
        loads = (f"{of_bench[0][key]:.1f}" for key in ("load_before", "load_after"))
        table.add_row(name, str(len(of_bench)), *loads)
    return table
