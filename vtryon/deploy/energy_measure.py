"""Latency and electric power of a run's network on this machine, in the format of a board's runner.

Power comes from the RAPL counters of Intel's and AMD's processors on Linux.
"""

import json
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import torch

from vtryon.deploy.source import open_net
from vtryon.utils.atomic import atomic_write
from vtryon.utils.latency import latency

FILE = "energy_cpu.json"
RAPL = Path("/sys/class/powercap")


def measure_runs(folders: Sequence[Path], repeats: int = 20, root: Path = RAPL) -> list[Path]:
    """Measure the network of each run on the CPU, float32, batch 1; write `energy_cpu.json` beside its row."""
    rows = [file for folder in folders for file in sorted(folder.rglob("row.json"))]
    networks = [file.parent for file in rows if (file.parent / "model.safetensors").is_file()]
    if not networks:
        raise ValueError(
            f"no model.safetensors in or below {', '.join(map(str, folders))}: there is nothing to measure"
        )
    return [_measure(folder, repeats, root) for folder in networks]


class Power:
    """Filled when the block ends: mean watts, or None where the machine has no counters that may be read."""

    watts: float | None = None
    source = "no readable RAPL counter"


@contextmanager
def rapl(root: Path = RAPL) -> Iterator[Power]:
    """Watts of all processor packages over the block, by their energy counters.

    Packages only: their zones (intel-rapl:0:1) are counted in them, and `psys` would count them again. The rest of the
    machine (board, disk, screen) is not in it. Counters can often be read by root alone.
    """
    power, zones = Power(), _packages(root)
    first, start_time = [_microjoules(zone) for zone in zones], time.perf_counter()
    yield power
    seconds = time.perf_counter() - start_time
    last = [_microjoules(zone) for zone in zones]
    if zones and None not in (*first, *last):
        energy = sum(_difference(*readings) for readings in zip(zones, first, last, strict=True))
        power.watts, power.source = energy / 1e6 / seconds, f"RAPL, {len(zones)} package(s)"


def _measure(folder: Path, repeats: int, root: Path) -> Path:
    net, size = open_net(folder, device="cpu")
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode(), rapl(root) as power:
        measured = latency(lambda: net(picture, picture, torch.ones(1, 1, *size)), repeats=repeats)
    path = folder / FILE
    content = {
        "format": "vtryon measurement 1",
        "basis": "measured",
        "machine": f"{platform.system()} {platform.machine()}",
        "backend": f"torch {torch.__version__}, {measured.threads} thread(s)",
        "precision": "f32",
        "latency_ms": {
            "min": measured.min_ms,
            "median": measured.median_ms,
            "p90": measured.p90_ms,
            "repeats": measured.repeats,
        },
        "load": list(measured.load),
        "power_w": power.watts,
        "power_source": power.source,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def _packages(root: Path) -> list[Path]:
    zones = sorted(root.glob("intel-rapl:*"))  # AMD's counters have this name as well
    return [zone for zone in zones if (_read(zone / "name") or "").startswith("package")]


def _difference(zone: Path, first: int, last: int) -> int:
    """Microjoules between two readings of a counter that restarts at zero after its range."""
    return last - first if last >= first else last - first + int(_read(zone / "max_energy_range_uj") or 0)


def _microjoules(zone: Path) -> int | None:
    text = _read(zone / "energy_uj")
    return None if text is None else int(text)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
