"""Figure F14 from rows: what is measured is told from what is estimated."""

import csv
import json

import pytest
from PIL import Image

from vtryon.cli import main
from vtryon.report.figures.energy import points

BOARD = {
    "format": "vtryon measurement 1",
    "machine": "NVIDIA Jetson Nano Developer Kit",
    "backend": "TensorRT 8.2.1.8",
    "precision": "f16",
    "latency_ms": {"median": 50.0},
    "power_w": 5.0,
}


@pytest.fixture
def runs(tmp_path):
    """A large, a small and a baseline run."""
    for name, gmacs, ssim in (("large", 69.0, 0.9), ("small", 5.0, 0.8)):
        row = {"name": name, "scores": {"paired/ssim": ssim}, "cost": {"gmacs": gmacs, "params_m": gmacs}}
        write(tmp_path / name / "row.json", row)
    write(tmp_path / "paste" / "row.json", {"name": "paste", "scores": {"paired/ssim": 0.6}})
    return tmp_path


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def energy(runs, *words):
    return main(["energy", "--run", str(runs), "--out", str(runs / "out"), *words])


def lines(runs):
    with (runs / "out" / "measured.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_network_stands_on_every_profile_as_estimated(runs):
    assert energy(runs, "--profile", "jetson_nano_10w", "--profile", "jetson_nano_5w") == 0
    found = lines(runs)
    assert [(line["run"], line["machine"]) for line in found] == [
        (run, machine) for run in ("large", "small") for machine in ("jetson_nano_10w", "jetson_nano_5w")
    ]
    assert {line[key] for line in found for key in ("basis", "latency_basis", "power_basis")} == {"estimated"}


def test_what_a_board_measured_counts_as_measured(runs):
    write(runs / "small" / "board.json", BOARD)
    assert energy(runs) == 0
    (line,) = [line for line in lines(runs) if line["basis"] == "measured"]
    assert (line["run"], line["ssim"], line["latency_s"]) == ("small", "0.8000", "0.05")
    assert "Jetson Nano" in line["machine"]
    assert float(line["inferences"]) == 36000 / (0.05 * 5)


def test_a_measured_latency_with_a_rated_power_is_an_estimate(runs):
    write(runs / "small" / "board.json", BOARD | {"power_w": None})
    found, _ = points([runs], [], "jetson_nano_5w")
    (point,) = found
    assert (point.latency.basis, point.power.basis, point.basis) == ("measured", "estimated", "estimated")
    assert point.power.value == 5


def test_the_budget_scales_what_it_buys(runs):
    for budget in ("10", "20"):
        energy(runs, "--profile", "jetson_nano_10w", "--budget-wh", budget)
        bought = float(lines(runs)[0]["inferences"])
        ten = bought if budget == "10" else ten
    assert bought == pytest.approx(2 * ten, rel=1e-3)


def test_a_picture_lies_beside_the_numbers(runs):
    energy(runs)
    with Image.open(runs / "out" / "energy.png") as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 10


def test_a_run_without_a_network_is_named(runs, capsys):
    energy(runs)
    assert "paste: left out" in capsys.readouterr().out
    assert "paste" not in {line["run"] for line in lines(runs)}


def test_nothing_to_show_is_told(runs, capsys):
    assert main(["energy", "--run", str(runs / "paste"), "--out", str(runs / "out")]) == 2
    assert "no run of" in capsys.readouterr().err
    assert main(["energy", "--run", str(runs / "nowhere"), "--out", str(runs / "out")]) == 2
    assert not (runs / "out").exists()


def test_a_budget_of_nothing_is_told(runs, capsys):
    assert energy(runs, "--budget-wh", "0") == 2
    assert "budget_wh (=0.0) must be positive" in capsys.readouterr().err


def test_a_file_that_is_no_json_is_named(runs, capsys):
    (runs / "small" / "board.json").write_text("{")
    assert energy(runs) == 2
    assert "board.json is not JSON" in capsys.readouterr().err
