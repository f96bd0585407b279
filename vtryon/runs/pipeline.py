"""All stages of a profile in order; one whose row has the same config and the same parents is skipped."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from vtryon.config.compose import composed, problems, raise_problems, read
from vtryon.config.words import ConfigError, quoted
from vtryon.runs.identity import essence
from vtryon.runs.run import run
from vtryon.utils.home import with_home


def chain_of(overrides: Sequence[str] = ()) -> tuple[dict[str, list[str]], Path]:
    """The stages that the profile's `chain` lists, each with its own overrides, and the folder of their runs.

    Raises:
        ConfigError: the profile has no chain, or lists something that is no recipe.
    """
    cfg = composed(overrides)
    stages = OmegaConf.to_container(cfg.chain) if isinstance(cfg.chain, DictConfig) else cfg.chain
    if not isinstance(stages, dict) or not stages:
        raise ConfigError(
            f"chain={stages}: must be a mapping of recipes to lists of overrides; profile={cfg.profile} has none"
        )
    for name, stage_overrides in stages.items():
        if not isinstance(stage_overrides, list):
            raise ConfigError(
                f"chain.{name}={stage_overrides}: must be a list of overrides, such as [data.size=[128,96]] or []"
            )
    return stages, Path(cfg.paths.chain)


def pipeline(stages: Mapping[str, Sequence[str]], folder: Path, overrides: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Run each stage in `folder`/NAME, in order; returns their rows.

    A stage that is done is skipped, one that was cut short goes on from its last checkpoint. The configs of all stages
    are checked before the first one starts.

    Args:
        stages: recipe -> its own overrides, in an order in which each finds its parents.
        folder: of the runs; it is also where each looks for the stages before it.
        overrides: `key=value` for all of them; they win over a stage's own.
    """
    folder = with_home(folder).absolute()
    overrides_by_stage = {
        name: _all_overrides(name, stage_overrides, folder, overrides) for name, stage_overrides in stages.items()
    }
    raise_problems(
        problem
        for all_overrides in overrides_by_stage.values()
        for problem in problems(composed(all_overrides), parents=False)
    )
    console, rows = Console(), []
    for number, (name, all_overrides) in enumerate(overrides_by_stage.items(), 1):
        cfg = read(all_overrides)
        console.rule(f"[bold]{name}[/] {number} of {len(overrides_by_stage)}", align="left")
        row = finished(cfg)
        if row is not None:
            console.print(f"done before, on {row['date']}, in {row['seconds']:.0f} s")
        rows.append(row or run(cfg))
    return rows


def _all_overrides(name: str, stage_overrides: Sequence[str], folder: Path, overrides: Sequence[str]) -> list[str]:
    paths = [quoted("paths.chain", folder), quoted("paths.run", folder / name)]
    return [f"experiment={name}", *stage_overrides, *overrides, *paths]


def finished(cfg: DictConfig) -> dict[str, Any] | None:
    """The row of the run, if it was made by this config from these parents; else None."""
    file = Path(cfg.paths.run) / "row.json"
    if not file.is_file():
        return None
    row, current = json.loads(file.read_text()), essence(cfg)
    if row.get("state") == "failed" or any(row[key] != current[key] for key in ("config_hash", "vtryon")):
        return None
    hashes = [{role: parent["sha256"] for role, parent in facts["parents"].items()} for facts in (row, current)]
    return row if hashes[0] == hashes[1] else None
