"""`vtryon` run with the smallest networks, as a user runs it: in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from vtryon.config.compose import conf_dir
from vtryon.runs.pipeline import chain_of

SMOKE = ["debug=smoke", "trainer=cpu"]


def vtryon(*words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "vtryon", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run_recipe(name: str, chain: Path, folder: Path) -> None:
    """Run a recipe after the stages of `chain`, from the working folder `folder`; it leaves one row of its name."""
    done = vtryon("run", f"experiment={name}", f"paths.chain={chain}", *SMOKE)
    assert done.returncode == 0, done.stderr
    (row,) = rows(folder / "runs")
    assert row["name"] == name
    assert f"{row['name']}" in done.stdout


def recipes() -> list[str]:
    """The names of all recipes but those that the demo runs, and those that a test of its own runs."""
    elsewhere = {*chain_of(["profile=demo"])[0], "official", "budget", "slimmable", "pick", "width_front"}
    return sorted({path.stem for path in (conf_dir() / "experiment").glob("*.yaml")} - elsewhere)


def rows(folder: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(folder.rglob("row.json"))]
