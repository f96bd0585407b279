"""Latency and power of a run's network on this machine, in the form that a board's runner leaves."""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from vtryon.deploy.benchmark import latency
from vtryon.deploy.energy_power import RAPL, rapl
from vtryon.deploy.source import open_net
from vtryon.nn.atomic import atomic_write

FILE = "energy_cpu.json"


def measure_runs(folders: Sequence[Path], repeats: int = 20, root: Path = RAPL) -> list[Path]:
    """Measure the network of each run on the CPU, float32, batch 1; write `energy_cpu.json` beside its row."""
    rows = [file for folder in folders for file in sorted(folder.rglob("row.json"))]
    networks = [file.parent for file in rows if (file.parent / "model.safetensors").is_file()]
    if not networks:
        raise ValueError(
            f"no model.safetensors in or below {', '.join(map(str, folders))}: there is nothing to measure"
        )
    return [_measure(folder, repeats, root) for folder in networks]


def _measure(folder: Path, repeats: int, root: Path) -> Path:
    net, size = open_net(folder, device="cpu")
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode(), rapl(root) as power:
        time = latency(lambda: net(picture, picture, torch.ones(1, 1, *size)), repeats=repeats)
    path = folder / FILE
    content = {
        "format": "vtryon measurement 1",
        "basis": "measured",
        "machine": f"{platform.system()} {platform.machine()}",
        "backend": f"torch {torch.__version__}, {time.threads} thread(s)",
        "precision": "f32",
        "latency_ms": {"min": time.min_ms, "median": time.median_ms, "p90": time.p90_ms, "repeats": time.repeats},
        "load": list(time.load),
        "power_w": power.watts,
        "power_source": power.source,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path
