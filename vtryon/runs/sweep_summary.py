"""The end of a sweep in one table: each job with its state, the best row by one score, and counts."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from vtryon.metrics.registry import direction
from vtryon.report.render.terminal import empty_scores
from vtryon.report.tables.rows import FILE, Row, by_protocol, read_rows, value
from vtryon.runs.state import DONE
from vtryon.runs.sweep import Job, Sweep

WIDTH = 80  # characters
STYLES = {DONE: "green", "failed": "red"}


def summary(sweep: Sweep, launched: Sequence[Job], score: str) -> Group:
    """A renderable. `launched` are the jobs of this launch; `score`, such as "paired/ssim", names the best row."""
    states = {job.number: sweep.state(job) for job in sweep.jobs}
    rows = {job.number: _row(sweep, job) for job in sweep.jobs}
    just_run = {job.number for job in launched}
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head in ("job", "what it varies", "state", "tries", score):
        right = head in ("job", "tries", score)
        grid.add_column(head, overflow="fold", justify="right" if right else "left")
    for job in sweep.jobs:
        state = states[job.number]
        status = "skipped (done)" if state["state"] == DONE and job.number not in just_run else state["state"]
        number = value(rows[job.number], "scores", score)
        shown = Text(status, style=STYLES.get(state["state"], ""))
        cells = (str(job.number), " ".join(_varied(job, sweep.jobs)), shown)
        grid.add_row(*cells, str(state["attempts"]), "-" if number is None else f"{number:.4g}")
    reasons = [
        Text(f"job {job.number}: {states[job.number]['reason']}", style="red")
        for job in sweep.jobs
        if states[job.number]["reason"] is not None
    ]
    empty = empty_scores([row for row in rows.values() if row])
    notes = [Text(f"empty: {', '.join(empty)}; `vtryon report {sweep.folder}` tells why", style="dim")] if empty else []
    best = Text(_best(rows, score))
    return Group(grid, *reasons, *notes, best, Text(_counts(sweep, states, just_run), style="bold"))


def show(sweep: Sweep, launched: Sequence[Job], score: str) -> None:
    Console(width=WIDTH).print(summary(sweep, launched, score))


def _row(sweep: Sweep, job: Job) -> Row:
    file = sweep.path(job) / FILE
    rows = read_rows(file) if file.is_file() else []
    return rows[0] if rows else {}


def _varied(job: Job, jobs: Sequence[Job]) -> list[str]:
    """The overrides that not all jobs share."""
    common = set.intersection(*(set(job.overrides) for job in jobs))
    return [override for override in job.overrides if override not in common or len(jobs) == 1]


def _best(rows: dict[int, Row], score: str) -> str:
    by_job = {}
    for number, row in rows.items():
        if (measured := value(row, "scores", score)) is not None:
            by_job[number] = measured
    if not by_job:
        return f"no row has {score}; hydra.sweeper.score=KEY names another score"
    choose = {"min": min, "max": max}.get(direction(score) or "")
    if choose is None:
        return f"of {score} it is not known which way is better"
    if len(by_protocol([rows[number] for number in by_job])) > 1:
        return f"the jobs were judged under several protocols, so that none has the best {score}"
    winner = choose(by_job, key=by_job.get)
    return f"best {score}: {by_job[winner]:.4g}, job {winner}"


def _counts(sweep: Sweep, states: dict[int, dict], just_run: set[int]) -> str:
    counted = Counter(
        "skipped" if state["state"] == DONE and number not in just_run else state["state"]
        for number, state in states.items()
    )
    listed = ", ".join(f"{count} {state}" for state, count in counted.items())
    again = "" if all(state["state"] == DONE for state in states.values()) else "; the same command runs what is left"
    return f"{len(states)} jobs: {listed}{again}\n{sweep.folder}"
