"""Losses on real photographs and on drawn people beside the published ones, from rows that no table mixes."""

import shutil
from pathlib import Path

import pytest

from vtryon.report.papers.catalogue import choose
from vtryon.report.render.documents import markdown
from vtryon.report.render.outputs import write_all
from vtryon.report.tables.reproduction import reproductions
from vtryon.report.tables.rows import write_csv

ROOT = Path(__file__).parents[2]
FINGERPRINTS = {"demo": "drawn", "small": "viton"}


def row(profile, distance, **varied):
    return {
        **{"name": "t1_cwm_pruning" if varied else "student", "profile": profile, "seed": 0, "varied": varied},
        **{"fingerprint": FINGERPRINTS[profile], "protocol": {"name": f"{FINGERPRINTS[profile]} pairs"}},
        "scores": {"unpaired/fd_efficientnet": distance},
    }


def tuned(profile, distance, ratio):
    return row(profile, distance, **{"compression.ratio": ratio, "training": "by_teacher"})


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    experiments = tmp_path_factory.mktemp("experiments")
    folder = experiments / "t1_cwm_pruning"
    folder.mkdir()
    shutil.copy(ROOT / "experiments" / "t1_cwm_pruning" / "paper.csv", folder)
    write_csv([row("demo", 200.0), tuned("demo", 210.0, 0.2), tuned("demo", 250.0, 0.5)], folder / "measured_demo.csv")
    write_csv([row("small", 20.0), tuned("small", 20.5, 0.2), tuned("small", 19.0, 0.5)], folder / "measured_viton.csv")
    return reproductions(*choose({"table": ["1"]}), lambda recipe: None, experiments / "nowhere", experiments)


def test_losses_stand_beside_the_published_ones_each_against_its_own_uncompressed_network(results):
    found = {loss.row: loss[1:] for loss in results[0].losses}
    assert found["0.2"] == pytest.approx((1.20, 2.5, 5.0))  # 20.5 of 20, 210 of 200
    assert found["0.5"] == pytest.approx((12.03, -5.0, 25.0))
    assert found["0.3"] == (2.32, None, None)


def test_rows_of_real_photographs_have_a_table_and_a_protocol_of_their_own(results):
    drawn, photographs = results
    assert (drawn.protocol, photographs.protocol) == ("drawn pairs", "viton pairs")
    assert set(drawn.runs["profile"]) == {"demo"}
    assert set(photographs.runs["profile"]) == {"small"}
    assert not photographs.cells


def test_the_three_columns_are_named(results):
    text = markdown(results)
    assert "published | Fréchet distance lost %, real photographs | Fréchet distance lost %, drawn people" in text
    assert "| 0.5 | +12.03 | -5.00 | +25.00 |" in text


def test_the_rows_of_both_are_written_once(results, tmp_path):
    write_all(results, tmp_path / "nowhere", ROOT / "experiments", tmp_path)
    assert [path.parent.name for path in tmp_path.rglob("t1_cwm_pruning_small.csv")] == ["t1_cwm_pruning"]
