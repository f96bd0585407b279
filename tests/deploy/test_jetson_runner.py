"""The board's script, without the board: its language, its arithmetic, its sensor, and what it leaves behind."""

import ast
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vtryon.deploy.jetson import runner
from vtryon.deploy.jetson.half_precision import COORDINATE
from vtryon.report.figures.energy import measurements

SOURCE = Path(runner.__file__).read_text(encoding="utf-8")


def test_python_36_reads_the_script():
    ast.parse(SOURCE, feature_version=(3, 6))
    with pytest.raises(SyntaxError):  # the check can see what 3.6 cannot read
        ast.parse("if (n := 1):\n    pass", feature_version=(3, 6))


def test_the_script_needs_nothing_but_python_and_tensorrt():
    modules = set()
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module)
    assert modules - {"tensorrt"} <= set(sys.stdlib_module_names)


def test_the_script_knows_coordinates_by_the_name_that_the_export_gives():
    assert runner.COORDINATE == COORDINATE


@pytest.mark.parametrize("percent", [0, 50, 90, 99, 100])
def test_percentiles_are_numpys(percent):
    values = list(np.random.default_rng(0).normal(size=23))
    assert runner.percentile(values, percent) == pytest.approx(np.percentile(values, percent))


@pytest.fixture
def sensors(tmp_path):
    """A Nano's INA3221: the module's input, its GPU and its CPU."""
    device = tmp_path / "ina3221x" / "6-0040" / "iio:device0"
    device.mkdir(parents=True)
    for index, (name, milliwatts) in enumerate({"POM_5V_GPU": 2000, "POM_5V_IN": 4500, "POM_5V_CPU": 900}.items()):
        (device / f"rail_name_{index}").write_text(f"{name}\n")
        (device / f"in_power{index}_input").write_text(f"{milliwatts}\n")
    return tmp_path / "ina3221x"


def test_power_is_that_of_the_whole_modules_input_in_watts(sensors):
    sensor = runner.Sensor(sensors, pause=0.001)

    def until_read_twice():
        while len(sensor.readings) < 2:
            time.sleep(0.001)

    watts, readings = sensor.over(until_read_twice)
    assert watts == pytest.approx(4.5)
    assert readings >= 2


def test_a_machine_without_the_sensor_has_no_power(tmp_path):
    assert runner.Sensor(tmp_path).over(lambda: None) == (None, 0)


def test_coordinates_are_computed_in_single_precision():
    trt = SimpleNamespace(float32="f32", float16="f16", int32="i32")

    def layer(name, dtype):
        made = SimpleNamespace(name=name, precision=None, told=None, get_output=lambda _: SimpleNamespace(dtype=dtype))
        made.set_output_type = lambda _, kind: setattr(made, "told", kind)
        return made

    layers = [layer("coordinate_7_Mul", "f32"), layer("coordinate_8_Cast", "i32"), layer("/warp/Conv", "f32")]
    runner.keep_coordinates(trt, SimpleNamespace(num_layers=3, get_layer=layers.__getitem__))
    assert [(one.precision, one.told) for one in layers] == [("f32", "f32"), (None, None), (None, None)]


def test_a_measurement_is_read_back_as_measured(tmp_path, sensors, monkeypatch):
    calls = []
    engine = SimpleNamespace(run=lambda: (calls.append(1), time.sleep(0.01)), version="8.2.1.8")
    monkeypatch.setattr(runner, "Engine", lambda onnx, precision, workspace: engine)
    sensor = runner.Sensor(sensors, pause=0.001)
    monkeypatch.setattr(runner, "Sensor", lambda: sensor)
    monkeypatch.setattr(runner, "IDLE_S", 0.01)
    (tmp_path / "x.onnx").write_bytes(b"network")
    run = tmp_path / "run"
    run.mkdir()
    out = ["--out", str(run / "board.json")]
    assert runner.main([str(tmp_path / "x.onnx"), "--warmup", "2", "--repeats", "5", *out]) == 0
    assert len(calls) == 7
    (content,) = measurements(run)
    assert content["basis"] == "measured"
    assert content["backend"] == "TensorRT 8.2.1.8"
    assert content["latency_ms"]["median"] >= 10
    assert content["power_w"] == pytest.approx(4.5)


def test_wrong_counts_are_told(capsys):
    with pytest.raises(SystemExit):
        runner.main(["x.onnx", "--repeats", "0"])
    assert "--repeats must be at least 1" in capsys.readouterr().err


def test_the_file_is_whole_or_not_there(tmp_path):
    runner.write(str(tmp_path / "board.json"), {"a": 1})
    assert json.loads((tmp_path / "board.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["board.json"]
