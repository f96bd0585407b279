"""What a sweep ends with: each job and what became of it, the best row by one score, and how many of each."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from vtryon.attempt import DONE
from vtryon.callbacks.directions import best
from vtryon.report.rows import FILE, Row, read_rows, value
from vtryon.sweep import Job, Sweep

WIDTH = 80  # characters
STYLES = {DONE: "green", "failed": "red"}


def summary(sweep: Sweep, launched: Sequence[Job], score: str) -> Group:
    """A renderable. `launched` are the jobs of this launch; `score`, such as "paired/ssim", names the best row."""
    states = {job.number: sweep.state(job) for job in sweep.jobs}
    rows = {job.number: _row(sweep, job) for job in sweep.jobs}
    now = {job.number for job in launched}
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head in ("job", "what it varies", "state", "tries", score):
        grid.add_column(head, overflow="fold", justify="right" if head in ("job", "tries", score) else "left")
    for job in sweep.jobs:
        said = states[job.number]
        word = "skipped (done)" if said["state"] == DONE and job.number not in now else said["state"]
        number = value(rows[job.number], "scores", score)
        cells = (str(job.number), " ".join(_varied(job, sweep.jobs)), Text(word, style=STYLES.get(said["state"], "")))
        grid.add_row(*cells, str(said["attempts"]), "-" if number is None else f"{number:.4g}")
    reasons = [
        Text(f"job {job.number}: {states[job.number]['reason']}", style="red")
        for job in sweep.jobs
        if states[job.number]["reason"] is not None
    ]
    return Group(grid, *reasons, Text(_best(rows, score)), Text(_counts(sweep, states, now), style="bold"))


def show(sweep: Sweep, launched: Sequence[Job], score: str) -> None:
    Console(width=WIDTH).print(summary(sweep, launched, score))


def _row(sweep: Sweep, job: Job) -> Row:
    file = sweep.path(job) / FILE
    found = read_rows(file) if file.is_file() else []
    return found[0] if found else {}


def _varied(job: Job, jobs: Sequence[Job]) -> list[str]:
    """The overrides that not all jobs share."""
    common = set.intersection(*(set(other.overrides) for other in jobs))
    return [override for override in job.overrides if override not in common or len(jobs) == 1]


def _best(rows: dict[int, Row], score: str) -> str:
    known = {number: found for number, row in rows.items() if (found := value(row, "scores", score)) is not None}
    if not known:
        return f"no row has {score}; hydra.sweeper.score=KEY names another score"
    end = {"min": min, "max": max}.get(best(score) or "")
    if end is None:
        return f"of {score} it is not known which way is better"
    winner = end(known, key=known.get)
    return f"best {score}: {known[winner]:.4g}, job {winner}"


def _counts(sweep: Sweep, states: dict[int, dict], now: set[int]) -> str:
    counted = Counter(
        "skipped" if said["state"] == DONE and number not in now else said["state"] for number, said in states.items()
    )
    listed = ", ".join(f"{count} {state}" for state, count in counted.items())
    again = "" if all(said["state"] == DONE for said in states.values()) else "; the same command runs what is left"
    return f"{len(states)} jobs: {listed}{again}\n{sweep.folder}"
