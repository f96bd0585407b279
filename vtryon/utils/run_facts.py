"""Facts about the training of a network, from the file beside it: a run's row, or the card of published weights."""

import json
from pathlib import Path
from typing import Any

WARP_STAGES = {"tutor_warp": "tutor", "student_warp": "student"}  # each with the stage after it


def facts_of(run: Path) -> dict[str, Any]:
    """The row of a run's folder, or what lies beside a weight file: its card, else its run's row; empty without any."""
    files = [run / "row.json"] if run.is_dir() else [run.with_suffix(".json")]
    if run.name == "model.safetensors":
        files.append(run.with_name("row.json"))
    for file in files:
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(facts, dict):
            return facts
    return {}


def warp_alone(run: Path) -> str | None:
    """Why a network cannot be used for try-on: its stage trained the warp alone. None where it can."""
    stage = facts_of(run).get("stage")
    if stage not in WARP_STAGES:
        return None
    remedy = f"go on with the stage after it ({WARP_STAGES[stage]}), and name that run"
    return f"stage {stage} trains the warp alone, its generator never learnt; {remedy}"
