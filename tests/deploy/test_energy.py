"""What a budget buys, by figures that others published, and power by counters whose content is known."""

import json

import pytest
import torch
from clock import Clock
from tiny_nets import student_net

from vtryon.deploy import energy_measure
from vtryon.deploy.energy import ESTIMATED, MACHINES, estimated_latency, inferences, machine
from vtryon.deploy.energy_measure import measure_runs, rapl
from vtryon.models.checkpoint import save_net

NANO = MACHINES["jetson_nano_10w"]


def test_ten_watt_hours_at_five_watts_are_two_hours_of_work():
    assert inferences(latency_s=1, power_w=5, budget_wh=10) == 2 * 3600


@pytest.mark.parametrize("name", ["latency_s", "power_w", "budget_wh"])
@pytest.mark.parametrize("value", [0, -1.0, float("nan")])
def test_what_is_not_positive_buys_nothing(name, value):
    with pytest.raises(ValueError, match=rf"{name} \(={value}\) must be positive"):
        inferences(**{"latency_s": 1, "power_w": 5, "budget_wh": 10} | {name: value})


def test_the_published_eight_frames_a_second_of_five_gmacs_are_met():
    assert 1 / estimated_latency(NANO, gmacs=5, params_m=0) == pytest.approx(8, rel=0.1)


def test_no_estimate_is_faster_than_the_machine():
    for on in MACHINES.values():
        seconds = estimated_latency(on, gmacs=69.0, params_m=73.2)
        assert seconds > 138 / on.gflops
        moved_gb = 73.2e6 * on.bytes_per_weight / 1e9
        assert estimated_latency(on, gmacs=0, params_m=73.2) == pytest.approx(moved_gb / on.gb_per_s)


def test_the_slower_mode_is_the_thriftier_one():
    five = MACHINES["jetson_nano_5w"]
    slow, fast = (estimated_latency(on, gmacs=5, params_m=3) for on in (five, NANO))
    assert slow > fast
    assert inferences(slow, five.watts) > inferences(fast, NANO.watts)


def test_an_unknown_profile_is_told_with_those_there_are():
    with pytest.raises(ValueError, match=r"profile='tx2' is unknown; choose from jetson_nano_10w"):
        machine("tx2")


@pytest.fixture
def counters(tmp_path):
    """Two packages of 1 J, a part of one, and the platform's sum."""
    names = {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1", "intel-rapl:0:0": "core", "intel-rapl:2": "psys"}
    for zone, name in names.items():
        (tmp_path / zone).mkdir()
        for file, content in {"name": name, "energy_uj": 1_000_000, "max_energy_range_uj": 5_000_000}.items():
            (tmp_path / zone / file).write_text(f"{content}\n")
    return tmp_path


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(energy_measure, "time", clock)
    return clock


def spend(root, joules):
    for zone, value in joules.items():
        (root / zone / "energy_uj").write_text(f"{round(value * 1e6)}\n")


def test_watts_are_the_joules_of_all_packages_by_seconds(counters, clock):
    with rapl(counters) as power:
        clock.sleep(0.5)
        spend(counters, {"intel-rapl:0": 3, "intel-rapl:1": 2, "intel-rapl:0:0": 99, "intel-rapl:2": 99})
    assert power.watts == pytest.approx(6)
    assert "2 package" in power.source


def test_a_counter_that_began_again_is_understood(counters, clock):
    with rapl(counters) as power:
        clock.sleep(0.5)
        spend(counters, {"intel-rapl:0": 0.5})  # 4 J to its range of 5, and half a joule more
    assert power.watts == pytest.approx(9)


def test_a_machine_without_counters_has_no_power(tmp_path):
    with rapl(tmp_path) as power:
        pass
    assert power.watts is None
    assert "no readable" in power.source


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs" / "tiny"
    save_net(student_net(), folder / "model.safetensors")
    (folder / "row.json").write_text(json.dumps({"name": "tiny", "size": [64, 64]}))
    return folder


def test_measuring_leaves_latency_and_power_beside_the_row(run, counters):
    (path,) = measure_runs([run.parent], repeats=3, root=counters)
    content = json.loads(path.read_text())
    assert path.parent == run
    assert content["latency_ms"]["repeats"] == 3
    assert 0 < content["latency_ms"]["min"] <= content["latency_ms"]["median"]
    assert content["power_w"] == 0  # counters that stand still
    assert content["backend"].startswith(f"torch {torch.__version__}")
    assert ESTIMATED not in path.read_text()


def test_a_folder_without_a_network_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"no model\.safetensors in or below"):
        measure_runs([tmp_path])
