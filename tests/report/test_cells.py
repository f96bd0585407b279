import csv

import pytest

from vtryon.report.papers.exhibit import Column, Exhibit, Recipe, Trend
from vtryon.report.tables.cells import (
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
    write_cells,
)
from vtryon.report.tables.lines import rank_correlation
from vtryon.report.tables.measured import comparable
from vtryon.report.tables.rows import read_csv, to_frame, write_csv

PAPER = [
    {"name": "original", "ratio": "0.0", "size": "100", "fid": "10"},
    {"name": "half", "ratio": "0.5", "size": "40", "fid": "12"},
]
SIZE = Column("size", "MiB", "sizes@full", "cost.mib", 0.01, "first")
FID = Column("fid", "FID", "sweep@full", "scores.unpaired/fid", where={"training": "by_task"})


def exhibit(*columns):
    recipes = (Recipe("sizes", "full", "x/sizes.csv"), Recipe("sweep", "full", "x/sweep.csv"))
    return Exhibit(
        "x", ("table 9",), "a16", "x", "Table 9", recipes, "ratio", "compression.ratio", columns, needs="VITON"
    )


def size(ratio, mib, seed=0):
    return {"seed": seed, "varied": {"compression.ratio": ratio}, "cost": {"mib": mib}}


def judged(ratio, fid, seed, training="by_task"):
    return {
        "seed": seed,
        "varied": {"compression.ratio": ratio, "training": training},
        "scores": {"unpaired/fid": fid},
    }


def frames(column, rows):
    """Rows of the column's recipe as they are measured: with the folder of each as `location`."""
    return {
        column.recipe: to_frame(rows).assign(location=[f"runs/{number}" for number in range(len(rows))], folder=None)
    }


def verdicts(column, rows):
    return [cell.verdict for cell in cells(exhibit(column), PAPER, frames(column, rows), {})]


def test_a_size_within_the_tolerance_agrees_and_where_the_definition_is_known_it_has_to():
    assert verdicts(SIZE, [size(0.0, 100.9), size(0.5, 40.3)]) == [AGREES, AGREES]
    assert verdicts(SIZE, [size(0.0, 102.0), size(0.5, 30.0)]) == [WRONG, DIFFERS]


def test_a_size_that_left_its_committed_value_has_drifted_and_fails():
    rows, committed = [size(0.0, 100.0), size(0.5, 40.0)], [size("0.0", 100.0), size("0.5", 40.01)]
    found = cells(exhibit(SIZE), PAPER, frames(SIZE, rows), frames(SIZE, committed))
    assert [cell.verdict for cell in found] == [AGREES, DRIFTED]
    assert failures(found) == [found[1]]
    assert "40.01" in found[1].note


def test_a_share_is_of_the_first_row_and_a_loss_is_above_it():
    rows = [size(0.0, 200.0), size(0.5, 50.0)]
    share, loss = (
        cells(exhibit(SIZE._replace(form=form)), PAPER, frames(SIZE, rows), {})[1].measured
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
    assert (cell.published, cell.measured, cell.difference, cell.run) == (10.0, None, None, None)
    assert "needs VITON: vtryon reproduce table=9 profile=full data.root=DIR" in cell.note
    assert "vtryon reproduce table=9" in cells(exhibit(SIZE), PAPER, {}, {})[0].note


def test_cells_are_written_with_their_run_and_its_origin(tmp_path):
    row = size(0.0, 100.0) | {"commit": "c0ffee", "cpu": "some cpu"}
    found = cells(exhibit(SIZE), PAPER, frames(SIZE, [row]), {})
    write_cells(found, tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open() as file:
        first, second = csv.DictReader(file)
    assert (first["published"], first["measured"], first["run"], first["commit"]) == (
        "100",
        "100",
        "runs/0",
        "c0ffee",
    )
    assert (second["measured"], second["verdict"], second["run"]) == ("", UNAVAILABLE, "")


def test_committed_rows_are_read_as_they_were_written(tmp_path):
    row = {
        "name": "sweep",
        "seed": 2,
        "size": [96, 64],
        "dirty": False,
        "protocol": {"name": "drawn-64-1c9f04 unpaired + paired 96x64"},
        "varied": {"model.warp.channels": [8, 8], "training": "by_task"},
        "scores": {"paired/ssim": 0.5},
        "cost": {"gmacs": 2.0},
    }
    write_csv([row], tmp_path / "measured.csv")
    written, back = to_frame([row]).iloc[0], read_csv(tmp_path / "measured.csv").iloc[0]
    for key in ("name", "seed", "protocol", "training", "scores.paired/ssim", "cost.gmacs"):
        assert back[key] == written[key], key
    assert (back["size"], back["dirty"]) == ("[96, 64]", "False")
    assert comparable(back["model.warp.channels"]) == comparable([8, 8]) == "8-8"


@pytest.mark.parametrize("ys", [[1, 2, 3], [3, 2, 1], [1, 1, 2]])
def test_the_correlation_of_a_trend_is_spearman_s(ys):
    from scipy.stats import spearmanr

    rows = [{"varied": {"ngf": number}, "scores": {"unpaired/ssim": y}} for number, y in enumerate(ys, 1)]
    measured = rank_correlation(Trend("wider is better", "ngf", "scores.unpaired/ssim", 1), to_frame(rows))
    assert measured.rho == pytest.approx(spearmanr([1, 2, 3], ys).statistic)
    assert measured.points == 3
