"""Eight jobs at once with one tracker: python tests/tracker_jobs.py RUNS TRACKER; prints what their records hold.

A warm process forks the jobs, so that they meet in the tracker's files and not while they import torch.
"""

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

import vtryon  # noqa: F401 (before Lightning, for its guard of torchvision)

# isort: split
from hydra.utils import get_class
from PIL import Image
from tracker_readers import READERS

JOBS, STEPS, PICTURES = 8, 40, 4
IN_ONE_PLACE = ("mlflow", "trackio")  # whose jobs all write to the folder of runs
PACKAGES = {"tensorboard": "torch.utils.tensorboard", "trackio": "trackio.run"}  # that take seconds to import


def job(runs: Path, tracker: str, number: int) -> None:
    """All that a run tells, as fast as it can."""
    about = {"name": "same name", "group": "sweep", "tags": [f"job={number}"]}  # as of repetitions
    about |= {"folder": str(runs)} if tracker in IN_ONE_PLACE else {}
    made = get_class(f"vtryon.callbacks.trackers.{tracker}.{tracker.capitalize()}Tracker")
    run = made(save_dir=str(runs / str(number)), **about)
    run.log_hyperparams({"job": number, "deep": {"list": list(range(50))}})
    run.define_scores({"paired/ssim": "max"})
    for step in range(STEPS):
        run.log_metrics({"train/total": number + step / 100, "train/other": float(step)}, step=step)
        if step % (STEPS // PICTURES) == 0:
            run.log_pictures({f"val/panel{step}": Image.new("RGB", (32, 16), (number, step, 0))}, step)
    run.log_summary({"cost/gmacs": float(number)}, step=STEPS)
    run.log_table("samples", ["split", "ssim"], [["paired", 0.5]] * 10, step=STEPS)
    run.finish(succeeded=True)
    assert run.failure is None, run.failure


def main(runs: Path, tracker: str) -> None:
    import_module(PACKAGES.get(tracker, tracker))
    children = {}
    for number in range(JOBS):
        (runs / str(number)).mkdir(parents=True)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                job(runs, tracker, number)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        children[pid] = number
    ended = {children[pid]: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children}
    found = {}
    for number in range(JOBS):
        known = READERS[tracker](runs, runs / str(number))
        numbers = {key: sorted(value) for key, value in known.numbers.items() if key.startswith("train/")}
        pictures = {key: [int(value[0, 0, 2]), int(value[0, 0, 1])] for key, value in known.pictures.items()}
        found[number] = {"ended": ended[number], "job": known.config["job"], "numbers": numbers, "pictures": pictures}
    print(json.dumps(found))


if __name__ == "__main__":
    place = Path(sys.argv[1]).resolve()
    os.environ |= {"WANDB_SILENT": "true", "WANDB_PROJECT": "vtryon", "TRACKIO_DIR": str(place / "trackio")}
    main(place, sys.argv[2])
