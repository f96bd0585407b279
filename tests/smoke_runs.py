"""`vtryon` run with the smallest networks, as a user runs it: in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

SMOKE = ["debug=smoke", "trainer=cpu"]


def vtryon(*words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "vtryon", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rows(folder: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(folder.rglob("row.json"))]
