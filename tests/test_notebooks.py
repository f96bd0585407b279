"""Every notebook runs from its first cell to its last on what a demo leaves, and is kept with small outputs."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(path, chain, tmp_path, monkeypatch):
    """A command that fails raises nothing in a notebook: later cells find that its files are missing."""
    monkeypatch.setenv("VTRYON_RUNS", str(chain.parent))
    monkeypatch.setenv("VTRYON_CACHE", str(chain.parent / "cache"))
    monkeypatch.setenv("OVERRIDES", "debug=smoke")
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    place = shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(place)}}).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_as_it_ran(path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [output["output_type"] for cell in cells for output in cell["outputs"]]
    assert "error" not in kinds
    assert "display_data" in kinds or "execute_result" in kinds, "nothing to look at"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_names_no_folder_of_its_author(path):
    assert path.stat().st_size < 300_000
    assert not re.search(r"/(root|home|Users)/", path.read_text())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_defines_no_functions(path):
    cells = json.loads(path.read_text())["cells"]
    assert not [line for cell in cells if cell["cell_type"] == "code" for line in cell["source"] if line[:4] == "def "]
