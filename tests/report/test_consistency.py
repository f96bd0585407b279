from pathlib import Path

import pytest

from vtryon.report.papers.catalogue import ALL
from vtryon.report.papers.consistency import CONTRADICTION, HOLDS, UNCHECKED, lint
from vtryon.report.tables.reproduction import read_lines

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def papers():
    return {exhibit.name: read_lines(EXPERIMENTS / exhibit.folder / "paper.csv") for exhibit in ALL}


def finding_of(papers, name, word):
    (finding,) = [finding for finding in lint(name, papers[name]) if word in finding.claim]
    assert finding.exhibit == name
    return finding


def test_table_2_s_parameters_contradict_its_sizes(papers):
    finding = finding_of(papers, "t2", "parameters against size")
    assert finding.verdict == CONTRADICTION
    assert "35.02 M x 4 B = 133.6 MiB, printed 112.3 (+19%)" in finding.arithmetic[1]
    assert finding_of(papers, "t2", "straight line").verdict == CONTRADICTION


def test_a_table_whose_sizes_are_its_parameters_is_not_flagged(papers):
    for line in papers["t2"]:
        line["params_m"] = f"{float(line['size_mb']) * 2**20 / 4e6:.2f}"
    assert finding_of(papers, "t2", "parameters against size").verdict == HOLDS
    assert finding_of(papers, "t2", "(1 - ratio)^2").verdict == HOLDS


def test_table_1_mixes_two_scopes(papers):
    finding = finding_of(papers, "t1", "two scopes")
    assert finding.verdict == CONTRADICTION
    assert any("40.97 - 2 x 20.4 = 0.17 MiB" in line for line in finding.arithmetic)


def test_table_5_s_average_follows_from_nothing(papers):
    finding = finding_of(papers, "t5", "average")
    assert finding.verdict == CONTRADICTION
    assert "94.7902 s / 1000 runs = 0.0948 s" in finding.arithmetic
    papers["t5"][-1]["img2col_s"] = "0.0929"
    assert finding_of(papers, "t5", "average").verdict == HOLDS


def test_percentages_and_sums_that_check_out_are_said_to(papers):
    assert finding_of(papers, "t1", "compression ratio").verdict == HOLDS
    assert finding_of(papers, "t2", "compression ratio").verdict == HOLDS
    assert finding_of(papers, "t4", "add up").verdict == HOLDS


def test_the_axes_of_f14_are_told_apart_and_not_called_checked(papers):
    finding = finding_of(papers, "f14", "axis")
    assert finding.verdict == UNCHECKED
    assert any("6,102 try-ons" in line for line in finding.arithmetic)


def test_every_published_table_is_kept_beside_its_experiment():
    for exhibit in ALL:
        file = EXPERIMENTS / exhibit.folder / "paper.csv"
        if exhibit.name.startswith("t") or exhibit.name in ("f7", "f11"):
            assert len(read_lines(file)) > 1, file
