"""Numbers of several benchmarks come into one CSV, and one that fails is named."""

import csv

import pytest

from vtryon.bench import everything
from vtryon.cli import main

FAKE = """
import csv, sys
with open(sys.argv[sys.argv.index("--out") + 1], "w", newline="") as file:
    csv.writer(file).writerows([["loop", "median", "best", "commit"], ["ours", "338", "349.5", "0123abc"]])
"""


@pytest.fixture
def fake_benchmarks(tmp_path, monkeypatch):
    """Benchmarks that write a fixed table, in place of those that take minutes; "sweep" fails."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE)
    run = everything.subprocess.run

    def fake(command, **options):
        words = ["-c", "raise SystemExit(1)"] if command[4] == "sweep" else [str(script), *command[5:]]
        return run([command[0], *words], **options)

    monkeypatch.setattr(everything.subprocess, "run", fake)


def test_every_number_is_a_row_with_its_bench_case_load_and_origin(fake_benchmarks, tmp_path):
    out = tmp_path / "all.csv"
    assert everything.main(["data", "demo"], out) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["bench"], row["case"], row["number"], row["value"]) for row in rows] == [
        (bench, "ours", number, value)
        for bench in ("data", "demo")
        for number, value in (("median", "338"), ("best", "349.5"))
    ]
    assert all(float(row["load_before"]) >= 0 and row["cpu"] for row in rows)


def test_a_benchmark_that_fails_is_named_and_the_others_are_kept(fake_benchmarks, tmp_path, capsys):
    out = tmp_path / "all.csv"
    assert everything.main(["sweep", "data"], out) == 1
    assert "vtryon bench sweep gave no numbers" in capsys.readouterr().err
    assert len(out.read_text().splitlines()) == 3


def test_an_unknown_benchmark_is_one_line(capsys):
    assert main(["bench", "all", "--only", "speed"]) == 2
    assert "bench (='speed') must be one of data, train-step" in capsys.readouterr().err


def test_every_benchmark_but_the_whole_is_among_them():
    from vtryon.cli.bench import app

    assert {command.name or command.callback.__name__ for command in app.registered_commands} == {
        *everything.COMMANDS,
        "all",
    }
