"""`vtryon bench structure`: what each axis of a student's structure is worth on the clock.

The tenfold network with and without each axis, random weights, 256x192, exported to OpenVINO and timed in turn. What an
axis costs in quality is told by `vtryon run -m experiment=structure`.
"""

import tempfile
from collections import ChainMap
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from rich.progress import track
from rich.table import Table

from vtryon.bench.contenders import Contender
from vtryon.bench.results import show
from vtryon.config.compose import read
from vtryon.deploy.export.pairs import drawn_pairs
from vtryon.deploy.source import RELEASED_SIZE
from vtryon.metrics.cost import cost
from vtryon.models.checkpoint import save_net
from vtryon.models.tryon import TryOnNet
from vtryon.training.precision import resolved
from vtryon.utils.latency import Latency, interleaved

AXES = {  # the settings of each; the first is the released structure's
    "flow_levels": ({"warp.flow_levels": None}, {"warp.flow_levels": 4}),
    "shared": ({"warp.shared": False}, {"warp.shared": True}),
    "separable": (
        {"warp.separable": False, "generator.separable": False},
        {"warp.separable": True, "generator.separable": True},
    ),
}
PRECISIONS = ("f32", "int8", *(["int8+bf16"] if resolved("auto", "cpu") == "bf16-mixed" else []))
CALIBRATION = 8  # pairs; the clock does not depend on them


def main(rounds: int = 20, out: Path | None = None) -> int:
    """Measure all combinations of the axes, print them, and write them as CSV to `out`."""
    rows = measure(rounds)
    return show([table(rows)], rows, out)


def measure(rounds: int = 20) -> list[dict[str, Any]]:
    """A row for each combination of `AXES`, the released structure first."""
    combinations = list(product(*AXES.values()))
    nets = [tenth(dict(ChainMap(*combination))) for combination in combinations]
    with tempfile.TemporaryDirectory() as folder:
        times = _times(nets, Path(folder), rounds)
    first = {precision: times[0, precision].median_ms for precision in PRECISIONS}
    rows = []
    for number, (net, combination) in enumerate(zip(nets, combinations, strict=True)):
        count = cost(net, RELEASED_SIZE)
        row = {
            name: setting != settings[0] for (name, settings), setting in zip(AXES.items(), combination, strict=True)
        }
        row |= {"params_m": round(count["params_m"], 3), "gmacs": round(count["gmacs"], 3)}
        for precision in PRECISIONS:
            measured = times[number, precision]
            row |= {
                f"{precision}_ms": round(measured.median_ms, 2),
                f"{precision}_min_ms": round(measured.min_ms, 2),
                f"{precision}_faster": round(first[precision] / measured.median_ms, 2),
            }
        last = times[number, PRECISIONS[-1]]
        rows.append(row | {"threads": last.threads, "load_before": round(last.load[0], 2)})
    return rows


def tenth(changes: Mapping[str, object]) -> TryOnNet:
    """The tenfold network of `profile=full` with these arguments of its parts, and random weights."""
    torch.manual_seed(0)
    model = read(["profile=full", "name=tenth", "model=tenth", "training=sizes"]).model
    for key, value in changes.items():
        part, name = key.split(".")
        model[part][name] = value
    return instantiate(model, _convert_="all").eval()


def _times(nets: Sequence[TryOnNet], folder: Path, rounds: int) -> dict[tuple[int, str], Latency]:
    """Of each network, by number, in each precision; all are timed in turn."""
    calibration, calls = drawn_pairs(RELEASED_SIZE, CALIBRATION), {}
    for number, net in enumerate(track(nets, "exports", transient=True)):
        weights = folder / f"{number}.safetensors"
        save_net(net, weights)
        for precision in PRECISIONS:
            contender = Contender.parse(f"openvino:{precision}")
            runtime = contender.open(contender.source(weights, RELEASED_SIZE, calibration), RELEASED_SIZE)
            calls[number, precision] = lambda runtime=runtime: runtime(*calibration[0])
    return interleaved(calls, 2, rounds)


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The rows for the terminal."""
    last = PRECISIONS[-1]
    times = [f"{precision} ms" for precision in PRECISIONS]
    made = Table("structure", "M parameters", "GMACs", *times, f"{last}: times as fast")
    for row in rows:
        structure = " ".join(name for name in AXES if row[name]) or "as released"
        columns = [*(f"{precision}_ms" for precision in PRECISIONS), f"{last}_faster"]
        made.add_row(structure, *(str(row[column]) for column in ("params_m", "gmacs", *columns)))
    return made
