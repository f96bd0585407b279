"""Benchmarks: what they time is what they say, limits are limits, and rows hold what a reader needs."""

import csv
import sys

import pytest
import torch
from narrow import net_of

from vtryon.bench import correlation
from vtryon.bench.contenders import Contender
from vtryon.bench.model import gmacs_made, of_width
from vtryon.bench.roofline import Ceilings, ceilings, floor_ms, highest, verdict
from vtryon.cli import main
from vtryon.deploy.export.pairs import drawn_pairs
from vtryon.deploy.runtime.torch_runtime import TorchRuntime
from vtryon.metrics.cost import cost
from vtryon.models.checkpoint import save_net
from vtryon.utils.latency import interleaved
from vtryon.utils.memory import footprint

LIMIT = Ceilings({"f32": 100.0, "bf16": 200.0, "int8": 400.0}, 10.0)


def test_calls_are_timed_in_turn():
    order = []
    found = interleaved({name: lambda name=name: order.append(name) for name in "ab"}, warmup=1, repeats=3)
    assert "".join(order) == "ab" * 4
    assert found.keys() == {"a", "b"}
    assert all(each.repeats == 3 for each in found.values())


def test_the_limit_is_the_slower_of_arithmetic_and_memory():
    assert floor_ms(LIMIT, gflop=10, gbytes=0.1) == pytest.approx(100)
    assert floor_ms(LIMIT, gflop=10, gbytes=5) == pytest.approx(500)
    assert floor_ms(LIMIT, gflop=10, gbytes=0, kind="int8") == pytest.approx(25)


def test_a_time_below_the_limit_is_no_result():
    """138 GFLOP in 3.8 ms, as was once published of a board of 472 GFLOP/s."""
    nano = Ceilings({"f16": 471.6}, 25.6)
    assert verdict(3.8, floor_ms(nano, 2 * 21.9, 0, "f16")) == "impossible"
    assert verdict(186, floor_ms(nano, 2 * 21.9, 0, "f16")) == "50 %"


def test_ceilings_are_positive_and_the_highest_of_two_measurements_counts():
    found = ceilings(seconds=0.1)
    assert all(value > 0 for value in (*found.gflops.values(), found.gbs))
    assert highest(LIMIT, Ceilings({"f32": 50.0, "bf16": 300.0, "int8": 1.0}, 20.0)) == Ceilings(
        {"f32": 100.0, "bf16": 300.0, "int8": 400.0}, 20.0
    )


def take(mib):
    return lambda: len(torch.ones(mib * 2**18).clone())


@pytest.mark.slow  # starts a process
def test_memory_is_what_the_work_took_beyond_what_was_there():
    found = footprint(take, 64)
    assert found.result == 64 * 2**18
    assert 120 < found.extra_mib < 140  # the ones and their copy
    assert found.peak_mib > found.extra_mib


@pytest.mark.parametrize(
    ("word", "way"),
    [
        ("plain", Contender("plain")),
        ("torch:bf16", Contender("torch", "f32", "bf16")),
        ("openvino:int8", Contender("openvino", "int8", "int8")),
        ("openvino:int8+bf16:b4:s2", Contender("openvino", "int8", "bf16", 4, 2)),
    ],
)
def test_a_way_is_read_from_a_word(word, way):
    assert Contender.parse(word) == way


def test_an_unknown_way_is_named_before_anything_is_measured(tmp_path, capsys):
    assert main(["bench", "model", "--width", "full", "--way", "tflite"]) == 2
    assert "'tflite': a way begins with one of" in capsys.readouterr().err


def test_a_runtime_that_is_not_installed_is_named_with_its_remedy(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "vtryon.bench.correlation", None)
    assert main(["bench", "correlation", "--runs", "1"]) == 2
    assert 'pip install "vtryon[deploy]"' in capsys.readouterr().err


@pytest.mark.slow
def test_products_are_counted_as_they_are_made():
    net = net_of(ngf=2, channels=(4, 5, 6, 7, 8), fpn_channels=64, flow_channels=(32, 4, 4))
    pair = drawn_pairs((64, 64), 1)[0]
    whole = cost(net, (64, 64))["gmacs"]
    (runtime := TorchRuntime(net))(*pair)
    assert whole / 4 < gmacs_made(runtime, pair) < 0.7 * whole


@pytest.mark.parametrize("name", [*correlation.FORMS, *correlation.IN_OPENVINO])
def test_every_form_that_is_timed_says_the_same(name):
    level = (16, 12)
    said = correlation.call(name, level)()
    said = torch.as_tensor(said if isinstance(said, torch.Tensor) else said[0])
    wanted = correlation.call("shifted", level)()
    assert (said - wanted).abs().max() < 1e-6


@pytest.mark.slow
def test_the_correlation_bench_writes_a_row_for_each_form_and_level_and_their_sum(tmp_path, capsys):
    out = tmp_path / "measured.csv"
    assert main(["bench", "correlation", "--runs", "2", "--threads", "1", "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    forms = [*correlation.FORMS, *correlation.IN_OPENVINO]
    assert len(rows) == len(forms) * (len(correlation.LEVELS) + 1)
    assert {row["level"] for row in rows} == {"8x6", "16x12", "32x24", "64x48", "128x96", "sum"}
    assert {row["acceleration"] for row in rows if row["form"] == "shifted"} == {"1.0"}
    assert all(row["commit"] for row in rows)
    assert "CorrTorch" in capsys.readouterr().out


@pytest.mark.slow
def test_the_model_bench_compares_runs_on_runtimes_with_the_plain_network(tmp_path):
    save_net(
        net_of(ngf=2, channels=(4, 5, 6, 7, 8), fpn_channels=4, flow_channels=(4, 4, 4)), tmp_path / "model.safetensors"
    )
    (tmp_path / "row.json").write_text('{"size": [64, 64]}')
    out = tmp_path / "measured.csv"
    words = ["--way", "torch", "--way", "openvino:int8:b2:s2", "--rounds", "2", "--threads", "1"]
    assert main(["bench", "model", "--run", str(tmp_path), *words, "--out", str(out)]) == 0
    plain, eager, int8 = csv.DictReader(out.read_text().splitlines())
    assert (plain["faster"], plain["ssim_to_plain"]) == ("1.0", "1.0")
    assert not plain["faster_than_full"]  # at another size the full network is no measure
    assert float(eager["ssim_to_plain"]) > 0.9999
    assert "int8" in int8["convolutions"]
    assert all(float(row["start_s"]) > 0 for row in (plain, eager, int8))


def test_a_tenth_has_a_tenth_of_the_work_and_less_without_the_finest_flow():
    full, tenth, coarse = (cost(of_width(width).net)["gmacs"] for width in ("full", "tenth", "tenth_coarse"))
    assert coarse < 0.8 * tenth < 0.08 * full
