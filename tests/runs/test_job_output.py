"""What a sweep prints where its output is a file: a dozen lines a job, and one table at the end."""

import os
import re
import subprocess
import sys

import pytest

MOST = 15  # lines a job
QUICK = ("debug=smoke", "trainer=cpu", "model.generator.ngf=1,2", "logger=[csv,wandb]")
JOB = re.compile(r"^\[.*\]\[HYDRA\] \t#\d+ : ", re.MULTILINE)
END = re.compile(r"^job +what it varies", re.MULTILINE)


def check(text: str, jobs: int) -> None:
    """Each job's lines begin with the launcher's own line; the sweep's table comes after the last."""
    printed, end = END.split(text)  # one table
    _, *each = JOB.split(printed)
    assert len(each) == jobs
    for number, said in enumerate(each, 1):
        lines = said.splitlines()
        assert len(lines) <= MOST, said
        assert f"distill ngf={number}, {number} of {jobs}" in lines[1]
        (bar,) = re.findall(r"Epoch 0/0.*?loss: [\d.]+\s+ssim:\s+[\d.]+", said, re.DOTALL)
        assert "v_num" not in bar
        assert len([line for line in lines if line.startswith(f"distill ngf={number} ")]) == 1  # the row
        assert "empty:" not in said
        assert "FID" not in said
    assert end.count("empty: ") == 1
    assert "unpaired/fid" in end
    assert f"{jobs} jobs: {jobs} done" in end


@pytest.mark.slow
def test_a_job_of_a_sweep_prints_at_most_fifteen_lines_and_the_sweep_one_table(chain, tmp_path):
    places = {"VTRYON_CACHE": str(chain.parent / "cache"), "VTRYON_RUNS": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "vtryon", "run", "-m", "experiment=distill", f"paths.chain={chain}", *QUICK]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | places, check=False
    )
    assert done.returncode == 0, done.stdout
    check(done.stdout, jobs=2)
