"""The best network for a budget is the last of the front that keeps it; a picture and a table are drawn."""

import csv

import pandas as pd
import pytest
from PIL import Image

from vtryon.cli import main
from vtryon.report.figures import sensitivity
from vtryon.report.figures.sensitivity_widths import BUDGETS, for_budgets

FRONT = pd.DataFrame(
    {
        "widths": ["ngf=2", "ngf=4", "ngf=8"],
        "gmacs": [0.02, 0.1, 0.3],
        "mib": [0.5, 1.5, 9.0],
        "ms": [4.0, 7.0, 30.0],
        "precision": ["int8", "int8", "f32"],
        "mse": [600.0, 500.0, 450.0],
        "fd": [150.0, 130.0, 120.0],
    }
)


def test_each_budget_has_the_best_network_that_keeps_it_or_none():
    table = for_budgets(FRONT)
    assert list(table["budget"]) == [*BUDGETS, *BUDGETS]
    chosen = {(unit, budget): widths for budget, unit, widths in table[["budget", "unit", "widths"]].to_numpy()}
    assert chosen["ms", 5] == "ngf=2"
    assert chosen["ms", 10] == chosen["ms", 20] == "ngf=4"
    assert chosen["ms", 50] == chosen["mib", 10] == "ngf=8"
    assert chosen["mib", 1] == "ngf=2"
    assert pd.isna(chosen["ms", 2])


def test_the_front_is_drawn_and_its_budgets_are_written(tmp_path):
    with (tmp_path / "sensitivity.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("ngf", "channels", "fpn_channels", "flow_channels", "gmacs", "mib", "mse", "fd"))
        writer.writerows((2, "4-8", 8, "8-8-6", 0.02 * k, 0.5 * k, 600 / k, 150 / k) for k in range(1, 9))
    FRONT.to_csv(tmp_path / "front.csv", index=False)
    found = sensitivity.draw(tmp_path, "widths")
    assert found == {"within_5_ms": "ngf=2", "within_1_mib": "ngf=2"}
    with Image.open(tmp_path / "figures" / "front.png") as picture:
        assert picture.width > 500
    assert len((tmp_path / "figures" / "budgets.csv").read_text().splitlines()) == 1 + 2 * len(BUDGETS)


def test_the_page_of_a_run_shows_its_front_and_its_budgets(tmp_path):
    run = tmp_path / "width_front"
    (run / "figures").mkdir(parents=True)
    (run / "row.json").write_text('{"name": "width_front", "seed": 0}')
    for_budgets(FRONT).to_csv(run / "figures" / "budgets.csv", index=False)
    Image.new("RGB", (30, 20), "red").save(run / "figures" / "front.png")
    assert main(["report", str(run), "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "front, drawn by width_front" in page
    assert "ngf=8" in page
    assert "ngf=8" in (tmp_path / "out" / "tables.md").read_text(encoding="utf-8")


def test_a_front_above_every_budget_has_empty_lines():
    table = for_budgets(FRONT.assign(ms=100.0, mib=100.0))
    assert table["widths"].isna().all()
    assert table["budget"].sum() == pytest.approx(2 * sum(BUDGETS))
