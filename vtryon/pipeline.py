"""Runs in order, each skipped when its row is already there for the same config and the same weights before it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from vtryon.config import read
from vtryon.run import essence, run


def pipeline(experiments: Sequence[str], folder: Path, overrides: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Run each of `experiments` in `folder`/NAME; returns their rows.

    Args:
        experiments: names of recipes, in an order in which each finds its parents.
        folder: of the runs; it is also where each looks for the stages before it.
        overrides: `key=value` for all of them.
    """
    console, rows = Console(), []
    for number, name in enumerate(experiments, 1):
        place = Path(folder).absolute()
        cfg = read(
            [
                f"experiment={name}",
                *overrides,
                f"paths.chain='{place}'",
                f"paths.run='{place / name}'",
            ]
        )
        console.rule(f"[bold]{name}[/] {number} of {len(experiments)}", align="left")
        row = finished(cfg)
        if row is not None:
            console.print(f"done before, on {row['date']}, in {row['seconds']:.0f} s")
        rows.append(row or run(cfg))
    return rows


def finished(cfg) -> dict[str, Any] | None:
    """The row of the run, if it was made by this config from these parents; else None."""
    file = Path(cfg.paths.run) / "row.json"
    if not file.is_file():
        return None
    row, asked = json.loads(file.read_text()), essence(cfg)
    same = ("config_hash", "vtryon")
    weights = [{role: parent["sha256"] for role, parent in made["parents"].items()} for made in (row, asked)]
    if row.get("state") == "failed":
        return None
    return row if weights[0] == weights[1] and all(row[key] == asked[key] for key in same) else None
