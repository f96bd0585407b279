"""Networks from a supernet beside own trainings: paired by what they cost, correlated by rank, kinds kept apart."""

import json
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from vtryon.cli import main
from vtryon.report.render.formatting import agreement
from vtryon.report.tables.from_supernet import agreements
from vtryon.report.tables.rows import read_csv, to_frame

OWN, TAKEN = [0.70, 0.80, 0.75, 0.90], [0.72, 0.76, 0.78, 0.90]
COMMITTED = Path(__file__).parents[2] / "experiments" / "supernet" / "measured_demo.csv"


def rows(ssims, compression, steps, **varied):
    return [
        {
            "name": "f7",
            "seed": 0,
            "steps": steps,
            "varied": {"model.generator.ngf": ngf, "compression": compression, **varied},
            "scores": {"paired/ssim": ssim},
            "cost": {"params_m": float(ngf), "gmacs": 0.1 * ngf},
        }
        for ngf, ssim in enumerate(ssims, 1)
    ]


def test_the_same_networks_are_paired_and_their_ranks_correlated():
    (measured,) = agreements(to_frame(rows(OWN, "none", 216) + rows(TAKEN[::-1], "from_supernet", None)[::-1]))
    assert measured.rho == pytest.approx(spearmanr(OWN, TAKEN[::-1]).statistic)
    (measured,) = agreements(to_frame(rows(OWN, "none", 216) + rows(TAKEN, "from_supernet", None)))
    assert measured.rho == pytest.approx(spearmanr(OWN, TAKEN).statistic) == pytest.approx(0.8)
    assert (measured.networks, measured.number) == (4, "SSIM paired")
    assert (measured.least, measured.largest) == pytest.approx((-5.0, 4.0))
    assert agreement(measured).endswith("rank correlation 0.80, differences -5.00 to +4.00 %")


def test_trainings_that_begin_elsewhere_are_compared_apart():
    own = [row for take in ("warp", "all") for row in rows(OWN, "none", 216, **{"init.take": take})]
    told = [measured.trained for measured in agreements(to_frame([*own, *rows(TAKEN, "from_supernet", None)]))]
    assert told == ["compression=none init.take=warp", "compression=none init.take=all"]


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="nothing else"),
        pytest.param(rows(OWN, "none", None), id="networks that were not trained"),
        pytest.param(rows(OWN[:2], "none", 216), id="two networks"),
        pytest.param(rows([0.7] * 4, "none", 216), id="no order"),
    ],
)
def test_nothing_is_said_where_there_is_nothing_to_compare(others):
    assert agreements(to_frame(rows(TAKEN, "from_supernet", None) + others)) == []
    assert agreements(to_frame([{"name": "student", "seed": 0}])) == []


def test_the_committed_twenty_agree_as_their_readme_says(capsys):
    told = {measured.number: measured for measured in agreements(read_csv(COMMITTED))}
    assert {name: (found.networks, round(found.rho, 2)) for name, found in told.items()} == {
        "SSIM paired": (20, 0.93),
        "MSE to teacher": (20, 0.95),
        "FD effnet": (20, 0.43),
        "EPE px": (20, 0.75),
    }


def test_a_report_of_runs_tells_it_on_the_terminal_and_on_its_page(tmp_path, capsys):
    for number, row in enumerate(rows(OWN, "none", 216) + rows(TAKEN, "from_supernet", None)):
        folder = tmp_path / "runs" / str(number)
        folder.mkdir(parents=True)
        (folder / "row.json").write_text(json.dumps(row))
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    told = "SSIM paired of 4 networks from a supernet beside own trainings"
    assert told in capsys.readouterr().out.replace("\n", " ")
    for name in ("index.html", "tables.md"):
        assert told in (tmp_path / "out" / name).read_text(encoding="utf-8")
