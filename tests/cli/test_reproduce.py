"""`vtryon reproduce`: what is missing is run, what is done is not, and a number that is off fails."""

import csv
import json
import logging
import shutil
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import vtryon.runs.identity
import vtryon.runs.pipeline
import vtryon.runs.run
from vtryon.cli import main
from vtryon.runs.identity import identity
from vtryon.runs.state import attempt

ROOT = Path(__file__).parents[2]


class Runs:
    """Runs without a network: each leaves a row, with the sizes that `sizes` says, and the weights of a stage."""

    def __init__(self):
        self.fate = lambda cfg: None
        self.made, self.sizes = [], lambda cfg: {"cwm/gmacs": 1.5, "cwm/params_m": 2.5, "cwm/mib": 3.5}

    def __call__(self, cfg) -> dict:
        folder, row = Path(cfg.paths.run), identity(cfg)
        with attempt(folder, row, OmegaConf.to_container(cfg, resolve=True)) as finished:
            assert not finished
            self.made.append(cfg.name)
            self.fate(cfg)
            number = 1.0 + 10 * sum(cfg.model.warp.channels) if "warp" in cfg.model else 1.0
            row |= {"scores": {"unpaired/mse_to_teacher": 1e4 / number}, "fingerprint": "f", "seconds": 0.0}
            row |= {"cost": self.sizes(cfg), "state": "done", "date": "today"}
            (folder / "model.safetensors").write_bytes(b"weights")
            (folder / "row.json").write_text(json.dumps(row))
        return row


FEW = ("model.warp.channels=[2,2,2,2,2],[4,4,4,4,4],[8,8,8,8,8]", "init.take=[generator.]", "training=distill")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """runs/, and kept/ with what is committed of one figure, but for its sizes."""
    place = tmp_path_factory.mktemp("reproduce")
    shutil.copytree(ROOT / "experiments/f11_warp_channels", place / "kept/f11_warp_channels")
    (place / "kept/f11_warp_channels/measured_full_sizes.csv").unlink(missing_ok=True)
    return place


@pytest.fixture(scope="module")
def runs(place):
    handlers = list(logging.getLogger().handlers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTRYON_RUNS", str(place / "runs"))
        stub = Runs()
        patch.setattr(vtryon.runs.run, "run", stub)
        patch.setattr(vtryon.runs.pipeline, "run", stub)
        patch.setattr(vtryon.runs.identity, "provenance", lambda: {"commit": "c0ffee"})
        yield stub
    root = logging.getLogger()
    for left in set(root.handlers) - set(handlers):
        left.close()
    root.handlers[:] = handlers  # Hydra's write to what pytest has closed


def reproduce(place, *words) -> int:
    places = ("--runs", str(place / "runs"), "--out", str(place / "out"), "--experiments", str(place / "kept"))
    return main(["reproduce", *words, *places])


def verdicts(place) -> list[str]:
    with (place / "out" / "cells.csv").open() as file:
        return [line["verdict"] for line in csv.DictReader(file)]


def test_nothing_is_run_for_a_report(runs, place):
    assert reproduce(place, "figure=f11", "--report-only") == 0
    assert runs.made == []
    assert set(verdicts(place)) == {"not available here"}


@pytest.mark.slow
def test_committed_rows_alone_make_a_page_of_every_table_and_figure(tmp_path):
    assert main(["reproduce", "--report-only", "--runs", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "index.html").read_text()
    for title in ("Table 1, real photographs", "Table 5", "F5 and F6", "F11 to F13", "F14"):
        assert title in page


@pytest.mark.slow
def test_what_is_missing_is_run_and_reported(runs, place):
    assert reproduce(place, "figure=f11", *FEW) == 0
    assert (runs.made.count("f11_sizes"), runs.made.count("f11_warp_channels")) == (6, 3)
    assert [name for name in runs.made if not name.startswith("f11")][-2:] == ["student", "distill"]
    assert set(verdicts(place)) == {"measured only"}
    assert "wider encoders are nearer" in (place / "out" / "tables.md").read_text()


@pytest.mark.slow
def test_a_second_call_runs_but_what_is_not_done(runs, place):
    runs.made.clear()
    shutil.rmtree(next((place / "runs/f11_sizes").glob("sweep-*/3")))
    assert reproduce(place, "figure=f12,f13", *FEW) == 0
    assert runs.made == ["f11_sizes"]


@pytest.mark.slow  # it reads what the tests above wrote
def test_a_committed_cell_that_was_altered_fails(runs, place, capsys):
    kept = place / "kept/f11_warp_channels/measured_full_sizes.csv"
    shutil.copy(place / "out/f11_warp_channels/f11_sizes_full.csv", kept)
    assert reproduce(place, "figure=f11", *FEW, "--report-only") == 0
    kept.write_text(kept.read_text().replace(",2.5,", ",2.501,", 1))
    assert reproduce(place, "figure=f11", *FEW, "--report-only") == 1
    assert "the committed row says 2.501" in " ".join(capsys.readouterr().out.split())
    assert verdicts(place).count("drifted") == 1


@pytest.mark.slow
def test_who_is_told_to_stop_stops_and_begins_nothing_else(runs, place, monkeypatch):
    def stop(cfg):
        raise SystemExit(75)

    runs.made.clear()
    monkeypatch.setattr(runs, "fate", stop)
    shutil.rmtree(next((place / "runs/f11_sizes").glob("sweep-*/3")))
    shutil.rmtree(next((place / "runs/f11_warp_channels").glob("sweep-*/0")))
    assert (reproduce(place, "figure=f11", *FEW), runs.made) == (75, ["f11_sizes"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["table=9"], "table=9: there are paper=a16"),
        (["everything"], "everything: must be key=value"),
        (["profile=full"], "give data.root=DIR"),
        (["figure=f11", "trainer.max_epoks=1"], "trainer.max_epoks"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(runs, place, capsys, words, says):
    runs.made.clear()
    assert reproduce(place, *words) == 2
    assert says in capsys.readouterr().err
    assert runs.made == []
