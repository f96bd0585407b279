"""Checkpoints as wandb artifacts, with the line from the data through tutor and teacher to the student."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from vtryon.callbacks.trackers.tracker import Model


def log_model(run: Any, model: Model) -> None:
    """Log a checkpoint as what the run has made, from the data and from the parents' files.

    A file is found again by its content: a parent that its own run has logged becomes the same version of the same
    artifact, in whatever order runs are synchronised. Nothing is copied, so the files must stay until then.
    """
    lineage = {
        "data": model.fingerprint,
        **{role: {"artifact": artifact_name(file), "sha256": _sha256(file)} for role, file in model.parents.items()},
    }
    _use(run, _data(model.fingerprint, model.data_card))
    for role, file in model.parents.items():
        _use(run, _model(file, {"role": role}))
    run.log_artifact(_model(model.path, {**model.metadata, "lineage": lineage}), aliases=["latest"])


def artifact_name(path: Path) -> str:
    """The name of a checkpoint's artifact: its run folder, with the folder above to tell sweeps apart.

    Example:
        >>> artifact_name(Path("runs/demo/student/model.safetensors"))
        'demo-student'
    """
    folders = [folder for folder in path.absolute().parts[-3:-1] if folder != path.anchor]
    return _plain("-".join(folders)) or "model"


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text)  # what the name of an artifact may hold


def _model(path: Path, metadata: Mapping[str, Any]) -> wandb.Artifact:
    artifact = wandb.Artifact(artifact_name(path), "model", metadata=dict(metadata))
    artifact.add_file(str(path), name=path.name, policy="immutable")
    return artifact


def _data(fingerprint: str, card: Path | None) -> wandb.Artifact:
    artifact = wandb.Artifact(
        "data-" + _plain(fingerprint)[:12],
        "dataset",
        metadata={"fingerprint": fingerprint},
    )
    with artifact.new_file("fingerprint.txt") as file:
        file.write(fingerprint + "\n")
    if card is not None:
        artifact.add_file(str(card), name=card.name)
    return artifact


def _use(run, artifact: wandb.Artifact) -> None:
    """Declare an input of the run.

    `use_artifact` refuses to work offline, though the file of an offline run has a place for what it writes online
    and `wandb sync` reads it from there. So offline the same record is written as `use_artifact` would.
    """
    if run.offline:
        run._log_artifact(artifact, is_user_created=True, use_after_commit=True)
    else:
        run.use_artifact(artifact)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
