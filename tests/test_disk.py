"""A full disk or a folder that cannot be written ends in an error that names it, and the old file is whole."""

import contextlib
import errno
import json
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest
import torch

from vtryon.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from vtryon.cli.errors import mistake_below
from vtryon.models.checkpoint import CheckpointError
from vtryon.runs.state import attempt, read_state


@contextlib.contextmanager
def mounted(folder: Path, options: str):
    """A small file system of its own; needs the right to mount."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here; run the tests as root in a container that may")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def no_file_above(size: int):
    """The system refuses to let any file of this process grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def content(kib: int) -> dict:
    return {"state_dict": {"weight": torch.zeros(kib * 256)}, "global_step": kib}


def assert_the_old_one_is_kept(path: Path) -> None:
    io = AtomicCheckpointIO()
    io.save_checkpoint(content(64), path)
    with pytest.raises(CheckpointError, match=f"{path}: cannot be saved"):
        io.save_checkpoint(content(2048), path)
    assert io.load_checkpoint(path)["global_step"] == 64
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_full_disk_keeps_the_old_checkpoint_and_leaves_no_half(tmp_path):
    with mounted(tmp_path / "small", "size=1m") as folder:
        assert_the_old_one_is_kept(folder / "checkpoints" / "last.ckpt")


def test_a_file_that_may_not_grow_keeps_the_old_checkpoint(tmp_path):
    with no_file_above(2**20):
        assert_the_old_one_is_kept(tmp_path / "checkpoints" / "last.ckpt")


def test_a_read_only_folder_is_an_error_that_names_it(tmp_path):
    with mounted(tmp_path / "small", "size=1m") as folder:
        AtomicCheckpointIO().save_checkpoint(content(64), path := folder / "last.ckpt")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with pytest.raises(CheckpointError, match=rf"{path}: cannot be saved .*Read-only"):
            AtomicCheckpointIO().save_checkpoint(content(64), path)
        assert AtomicCheckpointIO().load_checkpoint(path)["global_step"] == 64
        with pytest.raises(OSError, match="Read-only") as caught, attempt(folder, {"parents": {}}, {}):
            pass
        assert mistake_below(caught.value) is caught.value


def test_a_run_that_ends_for_want_of_space_says_so_in_its_state(tmp_path):
    row = {"config_hash": "a", "vtryon": "0.1.0", "parents": {}}
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "metrics.csv"))
    with pytest.raises(OSError, match="No space left"), attempt(tmp_path, row, {}):
        raise full
    assert read_state(tmp_path)["state"] == "failed"
    assert "No space left on device" in read_state(tmp_path)["reason"]
    assert mistake_below(full) is full


def test_a_state_that_was_cut_short_counts_as_none(tmp_path):
    (tmp_path / "state.json").write_text(json.dumps({"state": "done"})[:9])
    assert read_state(tmp_path) == {}
