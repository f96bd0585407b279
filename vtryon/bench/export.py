"""`vtryon bench export`: how long an export takes, from a network to a file that was checked."""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from vtryon.bench.model import Subject, of_run, of_width
from vtryon.bench.results import show
from vtryon.deploy.export.exporting import PRECISIONS, export

FORMATS = {"openvino": "net.xml", "onnx": "net.onnx"}


def main(
    runs: Sequence[Path], widths: Sequence[str], precisions: Sequence[str] = PRECISIONS, out: Path | None = None
) -> int:
    """Export networks of runs, and of published widths with random weights, in each format and precision."""
    rows = [
        _row(subject, backend, precision)
        for subject in [*map(of_run, runs), *map(of_width, widths)]
        for backend in FORMATS
        for precision in precisions
    ]
    return show([_table(rows)], rows, out)


def _row(subject: Subject, backend: str, precision: str) -> dict[str, Any]:
    load, clock, processor = os.getloadavg()[0], time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        report = export(subject.net, Path(folder) / FORMATS[backend], subject.size, precision, batch=1)
    return {
        "net": subject.name,
        "weights": subject.weights,
        "to": backend,
        "precision": precision,
        "seconds": time.perf_counter() - clock,
        "processor_s": time.process_time() - processor,
        "mib": report["checks"]["mib"],
        "ssim": report["checks"]["against_torch"]["ssim"],
        "load": load,
    }


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("net", "to", "precision", "seconds", "MiB", "SSIM to torch", title="export, checks included")
    for row in rows:
        numbers = (f"{row['seconds']:.1f}", f"{row['mib']:.2f}", f"{row['ssim']:.4f}")
        table.add_row(row["net"], row["to"], row["precision"], *numbers)
    return table
