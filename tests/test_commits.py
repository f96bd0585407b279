"""Rows cite commits that the history holds, but for those that were measured before the history began anew."""

import csv
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNKNOWN = {  # rows of a file below experiments/; measured anew or removed, a file leaves this list
    "photographs/measured_viton.csv": 1,  # int8 as trained, and run on three runtimes; evaluated anew, alike
    "seeds/measured_demo.csv": 3,  # the spread over seeds that the page's front takes for rows that were run once
}


def cited() -> list[tuple[str, str]]:
    """(file below experiments/, commit) of every committed row that names a commit."""
    rows = []
    for file in sorted((ROOT / "experiments").rglob("measured*.csv")):
        with file.open(newline="") as opened:
            name = str(file.relative_to(ROOT / "experiments"))
            rows += [(name, row["commit"]) for row in csv.DictReader(opened) if row.get("commit")]
    return rows


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_row_cites_a_commit_of_the_history():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.skip("a shallow clone holds no history")
    rows = cited()
    history = git("rev-list", "HEAD").split()
    unknown = Counter(file for file, commit in rows if not any(known.startswith(commit) for known in history))
    assert dict(unknown) == UNKNOWN
