"""A table is reproduced from runs that are really made, and a second call makes none."""

import csv
from pathlib import Path

import pytest

from vtryon.cli import main


def written(runs) -> dict[Path, int]:
    """When each row was."""
    return {row: row.stat().st_mtime_ns for row in runs.rglob("row.json")}


@pytest.mark.slow
def test_a_table_is_reproduced_from_real_runs_and_the_second_call_makes_none(chain, tmp_path):
    """Two steps of everything; sizes are of the full width whatever the profile, and agree with the committed ones."""
    words = ("reproduce", "table=3", "debug=smoke", "trainer=cpu", "--runs", str(chain.parent), "--out", str(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTRYON_CACHE", str(chain.parent / "cache"))
        patch.setenv("VTRYON_RUNS", str(chain.parent))  # as the command sets it, so that it is undone
        assert main(list(words)) == 0
        made = written(chain.parent)
        assert main(list(words)) == 0
        assert written(chain.parent) == made
    with (tmp_path / "cells.csv").open() as file:
        cells = list(csv.DictReader(file))
    assert {cell["verdict"] for cell in cells if cell["column"] == "MiB before"} == {"agrees"}
    assert all(cell["run"].startswith(str(chain.parent)) for cell in cells if cell["kind"] == "deterministic")
