"""Eight jobs that write at once, as those of a sweep do, leave whole records, one for each."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import tracker_jobs

SCRIPT = Path(tracker_jobs.__file__)


@pytest.mark.nightly  # of a machine that does nothing else it is half a minute each
@pytest.mark.parametrize("tracker", tracker_jobs.READERS)
def test_eight_jobs_at_once_lose_no_row_and_no_picture(tracker, tmp_path):
    if find_spec(tracker) is None:
        pytest.skip(f"{tracker} is not installed: pip install 'vtryon[trackers]'")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path, tracker], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == tracker_jobs.JOBS
    steps = range(tracker_jobs.STEPS)
    for number, record in ((int(number), record) for number, record in found.items()):
        assert (record["ended"], record["job"]) == (0, number), done.stderr[-3000:]
        expected = {"train/total": [[step, number + step / 100] for step in steps]}
        expected["train/other"] = [[step, float(step)] for step in steps]
        assert record["numbers"].keys() == expected.keys()
        for key, rows in expected.items():
            assert record["numbers"][key] == [pytest.approx(row, rel=1e-6, abs=1e-7) for row in rows], key
        shown = range(0, tracker_jobs.STEPS, tracker_jobs.STEPS // tracker_jobs.PICTURES)
        assert record["pictures"] == {f"val/panel{step}": [number, step] for step in shown}
