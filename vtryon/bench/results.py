"""One way to give the results of a benchmark: tables on the terminal, and rows with their origin as CSV."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from vtryon.runs.provenance import provenance
from vtryon.utils.atomic import atomic_write

ORIGIN = ("commit", "dirty", "cpu", "cores", "date")
Row = Mapping[str, Any]


def show(tables: Sequence[Table], rows: Sequence[Row], out: Path | None = None) -> int:
    """Print `tables`, write `rows` to the CSV file `out` if there is one, and return the exit status 0."""
    console = Console()
    for table in tables:
        console.print(table)
    if out is not None:
        write_rows(rows, out)
    return 0


def write_rows(rows: Sequence[Row], out: Path) -> None:
    """Write rows of the same columns as CSV, each with commit, processor and date of this measurement."""
    run_facts = provenance()
    origin = {key: run_facts[key] for key in ORIGIN}
    with atomic_write(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *origin], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, **origin} for row in rows)
