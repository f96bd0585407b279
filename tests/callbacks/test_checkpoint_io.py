"""A checkpoint is read as numbers, also where Lightning reads it to go on, and never executes what it holds."""

import os
from pathlib import Path

import pytest
import torch
from tiny_run import LIGHTNING_WARNINGS, TinyData, TinyModule, trainer

from vtryon.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from vtryon.callbacks.checkpointing.random_state import random_state, set_random_state
from vtryon.models.checkpoint import CheckpointError


class Evil:
    """Unpickling it runs a command."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def evil(tmp_path):
    torch.save({"state_dict": {}, "loops": Evil(tmp_path / "ran")}, path := tmp_path / "last.ckpt")
    yield path
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("weights_only", [True, False, None])
def test_a_checkpoint_that_would_run_code_is_refused_whatever_is_asked(evil, weights_only):
    with pytest.raises(CheckpointError, match=f"{evil}: refused"):
        AtomicCheckpointIO().load_checkpoint(evil, weights_only=weights_only)


@pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)
def test_lightning_refuses_it_when_it_resumes(evil, tmp_path):
    run = trainer(tmp_path, plugins=[AtomicCheckpointIO()])
    with pytest.raises(CheckpointError, match="refused"):
        run.fit(TinyModule(), datamodule=TinyData(tmp_path), ckpt_path=evil, weights_only=False)


def test_random_states_survive_a_checkpoint(tmp_path):
    import random

    import numpy as np

    def draw() -> list:
        return [random.random(), random.gauss(0, 1), *np.random.rand(2), float(np.random.randn()), *torch.rand(2)]

    draw()
    AtomicCheckpointIO().save_checkpoint({"random": random_state()}, tmp_path / "last.ckpt")
    first = draw()
    draw()
    set_random_state(AtomicCheckpointIO().load_checkpoint(tmp_path / "last.ckpt")["random"])
    assert draw() == first
