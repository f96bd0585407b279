"""`vtryon bench correlation` and `vtryon bench model`: what is measured, its table, and its rows with their origin."""

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from vtryon.callbacks.provenance import provenance
from vtryon.compression.pruning import Pruning
from vtryon.deploy import bench_correlation
from vtryon.deploy.bench_subject import Subject
from vtryon.deploy.source import RELEASED_SIZE, open_net
from vtryon.nn.afwm import AFWM
from vtryon.nn.atomic import atomic_write
from vtryon.nn.generator import ResUnetGenerator
from vtryon.nn.tryon import TryOnNet

WAYS = ("torch", "torch:bf16", "onnx", "onnx:int8", "openvino", "openvino:bf16", "openvino:int8", "openvino:int8+bf16")
ORIGIN = ("commit", "dirty", "cpu", "cores", "date")


def correlation(runs: int, out: Path | None) -> int:
    """All forms of the correlation, printed, and written as CSV to `out`."""
    rows = bench_correlation.measure(runs)
    Console().print(bench_correlation.table(rows))
    return _write(rows, out)


def model(runs: Sequence[Path], widths: Sequence[str], ways: Sequence[str], rounds: int, out: Path | None) -> int:
    """Networks of runs, and of published widths with random weights, printed, and written as CSV to `out`."""
    from vtryon.deploy import bench_model  # needs the extra `deploy`, which table 5 does not

    rows = []
    for subject in [*map(_of_run, runs), *map(of_width, widths)]:
        with tempfile.TemporaryDirectory() as folder:
            found = bench_model.compare(subject, ways, rounds, Path(folder))
        Console().print(bench_model.table(found))
        rows += found
    return _write(rows, out)


def of_width(width: str) -> Subject:
    """A network with random weights: PF-AFN as released, or without the channels that table 3 takes from it."""
    torch.manual_seed(0)
    net = TryOnNet(AFWM(), ResUnetGenerator(7)).eval()
    if width == "pruned":
        net = Pruning(0.4, ratios={"generator.*": 0.25})(net)
    return Subject(width, "random", net, RELEASED_SIZE)


def _of_run(run: Path) -> Subject:
    net, size = open_net(run, device="cpu")
    return Subject(run.name, "trained", net, size)


def _write(rows: list[dict[str, Any]], out: Path | None) -> int:
    if out is not None:
        known = provenance()
        origin = {key: known[key] for key in ORIGIN}
        with atomic_write(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*rows[0], *origin], lineterminator="\n")
            writer.writeheader()
            writer.writerows(row | origin for row in rows)
    return 0
