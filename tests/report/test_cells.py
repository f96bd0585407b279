import csv

import pytest

from vtryon.report.cells import (
    AGREES,
    DIFFERS,
    DRIFTED,
    ONE_SEED,
    OUTSIDE,
    UNAVAILABLE,
    WITHIN,
    WRONG,
    cells,
    failures,
    rank_correlation,
    write_cells,
)
from vtryon.report.exhibit import DETERMINISTIC, STATISTICAL, Column, Exhibit, Recipe
from vtryon.report.measured import Measured, normal, read_csv
from vtryon.report.rows import write_csv

PAPER = [
    {"name": "original", "ratio": "0.0", "size": "100", "fid": "10"},
    {"name": "half", "ratio": "0.5", "size": "40", "fid": "12"},
]
SIZE = Column("size", "MiB", DETERMINISTIC, "sizes@full", "cost", "mib", 0.01, "first")
FID = Column("fid", "FID", STATISTICAL, "sweep@full", "scores", "unpaired/fid", where={"training": "by_task"})


def exhibit(*columns):
    recipes = (Recipe("sizes", "full", "x/sizes.csv"), Recipe("sweep", "full", "x/sweep.csv"))
    return Exhibit(
        "x", ("table 9",), "a16", "x", "Table 9", recipes, "ratio", "compression.ratio", columns, needs="VITON"
    )


def size(ratio, mib, seed=0):
    return Measured({"seed": seed, "varied": {"compression.ratio": ratio}, "cost": {"mib": mib}}, f"runs/{ratio}")


def judged(ratio, fid, seed, training="by_task"):
    varied = {"compression.ratio": ratio, "training": training}
    return Measured({"seed": seed, "varied": varied, "scores": {"unpaired/fid": fid}}, f"runs/{seed}")


def verdicts(column, rows, kept=None):
    found = cells(exhibit(column), PAPER, {column.recipe: rows}, {column.recipe: kept or []})
    return [cell.verdict for cell in found]


def test_a_size_within_the_tolerance_agrees_and_where_the_definition_is_known_it_has_to():
    assert verdicts(SIZE, [size(0.0, 100.9), size(0.5, 40.3)]) == [AGREES, AGREES]
    assert verdicts(SIZE, [size(0.0, 102.0), size(0.5, 30.0)]) == [WRONG, DIFFERS]


def test_a_size_that_left_its_committed_value_has_drifted_and_fails():
    rows = [size(0.0, 100.0), size(0.5, 40.0)]
    found = cells(exhibit(SIZE), PAPER, {"sizes@full": rows}, {"sizes@full": [size("0.0", 100.0), size("0.5", 40.01)]})
    assert [cell.verdict for cell in found] == [AGREES, DRIFTED]
    assert failures(found) == [found[1]]
    assert "40.01" in found[1].note


def test_a_share_is_of_the_first_row_and_a_loss_is_above_it():
    rows = [size(0.0, 200.0), size(0.5, 50.0)]
    share, loss = (
        cells(exhibit(SIZE._replace(form=form)), PAPER, {"sizes@full": rows}, {})[1].measured
        for form in ("share", "loss")
    )
    assert (share, loss) == (25.0, -75.0)


def test_a_score_is_judged_by_its_spread_over_seeds():
    close = [judged(0.0, 10.0, seed) for seed in range(3)] + [judged(0.5, 12 + step, 7 + step) for step in (-1, 0, 1)]
    assert verdicts(FID, close) == [WITHIN, WITHIN]
    assert verdicts(FID, [judged(0.5, fid, seed) for seed, fid in enumerate((13.0, 13.1, 13.2))])[1] == OUTSIDE
    assert verdicts(FID, [judged(0.5, 12.0, 0)])[1] == ONE_SEED
    assert verdicts(FID, [judged(0.5, 12.0, 0, training="by_teacher")])[1] == UNAVAILABLE


def test_what_is_not_there_says_what_it_needs_and_takes_nothing_from_the_paper():
    (cell, _) = cells(exhibit(FID), PAPER, {}, {})
    assert (cell.published, cell.measured, cell.difference, cell.source) == (10.0, None, None, None)
    assert "needs VITON: vtryon reproduce table=9 profile=full data.root=DIR" in cell.note
    assert "vtryon reproduce table=9" in cells(exhibit(SIZE), PAPER, {}, {})[0].note


def test_cells_are_written_with_their_run_and_its_origin(tmp_path):
    row = size(0.0, 100.0)
    row.row.update(commit="c0ffee", cpu="some cpu")
    found = cells(exhibit(SIZE), PAPER, {"sizes@full": [row]}, {})
    write_cells(found, tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open() as file:
        first, second = csv.DictReader(file)
    assert (first["published"], first["measured"], first["run"], first["commit"]) == (
        "100",
        "100",
        "runs/0.0",
        "c0ffee",
    )
    assert (second["measured"], second["verdict"], second["run"]) == ("", UNAVAILABLE, "")


def test_committed_rows_are_read_as_they_were_written(tmp_path):
    row = {
        "name": "sweep",
        "seed": 2,
        "size": [96, 64],
        "dirty": False,
        "varied": {"model.warp.channels": [8, 8], "training": "by_task"},
        "scores": {"paired/ssim": 0.5},
        "cost": {"gmacs": 2.0},
    }
    write_csv([row], tmp_path / "measured.csv")
    (back,) = read_csv(tmp_path / "measured.csv")
    assert {key: back[key] for key in ("name", "seed", "size", "dirty", "scores", "cost")} == {
        key: row[key] for key in ("name", "seed", "size", "dirty", "scores", "cost")
    }
    assert {key: normal(value) for key, value in back["varied"].items()} == {
        "model.warp.channels": "8-8",
        "training": "by_task",
    }


@pytest.mark.parametrize(("ys", "rho"), [([1, 2, 3], 1.0), ([3, 2, 1], -1.0), ([1, 1, 2], 0.866)])
def test_rank_correlation_is_spearman_s(ys, rho):
    from scipy.stats import spearmanr

    assert rank_correlation([1, 2, 3], ys) == pytest.approx(spearmanr([1, 2, 3], ys).statistic)
    assert rank_correlation([1, 2, 3], ys) == pytest.approx(rho, abs=1e-3)
