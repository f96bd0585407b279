"""One small run with every tracker at once, read back with the library of each."""

import csv
import math
import warnings
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from pytorch_lightning.loggers import CSVLogger
from tiny_run import SIZE, TinyData, TinyModule, trainer
from tracker_readers import READERS

from vtryon.callbacks.cost import CostRecord
from vtryon.callbacks.panel import TryOnPanel
from vtryon.callbacks.scores import Scores
from vtryon.callbacks.throughput import Throughput
from vtryon.callbacks.trackers.kept_id import keep_id, kept_id
from vtryon.callbacks.trackers.mlflow import MlflowTracker
from vtryon.callbacks.trackers.tensorboard import TensorboardTracker
from vtryon.callbacks.trackers.tracker import finish, trackers
from vtryon.callbacks.trackers.trackio import TrackioTracker
from vtryon.callbacks.trackers.wandb import WandbTracker
from vtryon.callbacks.tracking import Tracking
from vtryon.metrics.cost import cost

CONFIG = {"seed": 3, "data": {"root": "/somewhere", "size": [64, 64]}, "training": {"lr": 5e-5, "note": None}}
NAMES = {"name": "student ngf=2", "group": "student/sweep-1", "tags": ["mine", "training.lr=5e-05"]}
WITH_TABLES = [name for name in READERS if name != "tensorboard"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of runs, with RUNS/student, which every callback that tells trackers has watched."""
    if absent := [package for package in ("tensorboard", "mlflow", "trackio") if find_spec(package) is None]:
        pytest.skip(f"{', '.join(absent)} not installed: pip install 'vtryon[trackers]'")
    runs = tmp_path_factory.mktemp("runs")
    run = runs / "student"
    run.mkdir()
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR"):
            patch.setenv(name, str(runs / "cache"))
        patch.setenv("WANDB_SILENT", "true")
        patch.setenv("TRACKIO_DIR", "")
        loggers = [
            CSVLogger(run, name="", version="csv"),
            WandbTracker(str(run), project="test", **NAMES),
            TensorboardTracker(str(run), **NAMES),
            MlflowTracker(str(run), str(runs), **NAMES),
            TrackioTracker(str(run), str(runs), **NAMES),
        ]
        callbacks = [Tracking(CONFIG, {"commit": "abc"}), Scores(run, ()), TryOnPanel(run, rows=2)]
        stage = trainer(run, *callbacks, CostRecord(SIZE), Throughput(), logger=loggers)
        stage.fit(TinyModule(), datamodule=TinyData(run))
        stage.test(TinyModule(), datamodule=TinyData(run), verbose=False)
        finish(loggers)
        assert [tracker.failure for tracker in trackers(loggers)] == [None] * 4
    return runs


@pytest.fixture(scope="module")
def known(runs):
    return {name: read(runs, runs / "student") for name, read in READERS.items()}


@pytest.mark.parametrize("tracker", READERS)
def test_every_number_of_the_local_file_is_there_at_its_step(known, runs, tracker):
    with (runs / "student" / "csv" / "metrics.csv").open() as file:
        lines = list(csv.DictReader(file))
    steps = [(int(line.pop("step")), line) for line in lines]
    expected = {(key, step, float(text)) for step, line in steps for key, text in line.items() if text}
    assert {"train/total", "val/ssim", "paired/ssim", "unpaired/iou_cloth"} & {key for key, _, _ in expected}
    for key, step, value in expected:
        logged = known[tracker].numbers[key]
        assert any(at == step and math.isclose(value, there, rel_tol=1e-5) for at, there in logged), (key, step, logged)


@pytest.mark.parametrize("tracker", READERS)
def test_the_config_is_there_with_what_finds_the_run_again(known, tracker):
    assert known[tracker].config == CONFIG | {"record": {"commit": "abc"}}


@pytest.mark.parametrize("tracker", READERS)
def test_name_group_and_tags_are_there(known, tracker):
    found = known[tracker]
    assert (found.name, found.group) == (NAMES["name"], NAMES["group"])
    expected = {"mine=true", "training.lr=5e-05"} if tracker == "mlflow" else set(NAMES["tags"])
    assert expected <= found.tags


@pytest.mark.parametrize("tracker", READERS)
def test_the_panel_of_each_split_is_there_as_it_lies_in_the_run_s_folder(known, runs, tracker):
    panels = runs / "student" / "panels"
    files = {"val/panel": "val_0000", "unpaired/panel": "unpaired_test", "paired/panel": "paired_test"}
    assert known[tracker].pictures.keys() == files.keys()
    for key, name in files.items():
        assert np.array_equal(known[tracker].pictures[key], cv2.imread(str(panels / f"{name}.png"))), key


@pytest.mark.parametrize("tracker", READERS)
def test_cost_and_speed_are_there(known, tracker):
    found = known[tracker]
    values = found.summary or {key: steps[-1][1] for key, steps in found.numbers.items()}
    for name, value in cost(TinyModule().net, SIZE).items():
        assert values[f"cost/{name}"] == pytest.approx(value, rel=1e-5)
    assert values["speed/test/samples_per_s"] > 0


@pytest.mark.parametrize("tracker", WITH_TABLES)
def test_the_scores_of_single_samples_are_there(known, runs, tracker):
    with (runs / "student" / "samples.csv").open() as file:
        lines = list(csv.DictReader(file))
    table = known[tracker].table
    assert len(table) == len(lines) == 6
    for line, row in zip(lines, table, strict=True):
        assert (row["split"], row["person"], row["cloth"]) == (line["split"], line["person"], line["cloth"])
        if line["ssim"]:
            assert float(row["ssim"]) == pytest.approx(float(line["ssim"]))


def test_tensorboard_compares_runs_by_their_scores(runs):
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
    from tensorboard.plugins.hparams import plugin_data_pb2

    events = EventMultiplexer().AddRunsFromDirectory(str(runs))
    events.Reload()
    (content,) = [found["_hparams_/session_start_info"] for found in events.PluginRunToTagToContent("hparams").values()]
    hparams = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert hparams["training.lr"].number_value == 5e-5
    assert hparams["run.name"].string_value == NAMES["name"]


def test_mlflow_knows_that_the_run_has_ended(runs):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{runs / 'mlflow.db'}")
    assert client.get_run(kept_id(runs / "student", "mlflow")).info.status == "FINISHED"


def test_a_run_that_goes_on_keeps_the_id_that_it_had(runs, tmp_path):
    run = str(runs / "student")
    again = [WandbTracker(run, project="test"), MlflowTracker(run, str(runs)), TrackioTracker(run, str(runs))]
    assert again[0]._wandb_init["id"] == kept_id(run, "wandb")
    assert again[1].run_id == kept_id(run, "mlflow")
    again[2].log_metrics({"x": 1.0}, step=100)
    assert again[2].version == kept_id(run, "trackio")
    finish(again[1:])
    assert WandbTracker(str(tmp_path), project="test")._wandb_init["id"] != kept_id(run, "wandb")


def test_a_run_whose_database_was_deleted_begins_a_new_record(tmp_path):
    pytest.importorskip("mlflow")
    keep_id(tmp_path, "mlflow", "0" * 32)
    logger = MlflowTracker(str(tmp_path), str(tmp_path / "runs"))
    logger.log_metrics({"x": 1.0}, step=0)
    assert logger.failure is None
    assert kept_id(tmp_path, "mlflow") == logger.run_id != "0" * 32
