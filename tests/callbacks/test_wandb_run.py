"""One small run with wandb offline, read back from its file."""

import json
import warnings

import pytest
from pytorch_lightning.loggers import CSVLogger
from tiny_run import LIGHTNING_WARNINGS, SIZE, TinyData, TinyModule, trainer
from wandb_offline import OfflineRun

from vtryon.callbacks.cost import CostRecord
from vtryon.callbacks.panel import TryOnPanel
from vtryon.callbacks.scores import Scores
from vtryon.callbacks.throughput import Throughput
from vtryon.callbacks.trackers.tracker import Model, finish
from vtryon.callbacks.trackers.wandb import WandbTracker
from vtryon.callbacks.trackers.wandb_artifacts import artifact_name
from vtryon.callbacks.tracking import Tracking
from vtryon.metrics.cost import cost
from vtryon.runs.provenance import config_hash, provenance

CONFIG = {
    "seed": 3,
    "data": {"root": "/somewhere", "size": [64, 64]},
    "training": {"lr": 5e-5},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs") / "student"


@pytest.fixture(scope="module")
def run(folder):
    """Fit and test with every callback, then log the checkpoint; gives what the .wandb file says."""
    folder.mkdir()
    parents = {role: folder.parent / role / "model.safetensors" for role in ("tutor", "teacher")}
    for path in (*parents.values(), folder / "model.safetensors"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(path.parent.name.encode() * 100)
    card = folder.parent / "synthetic.json"
    card.write_text('{"seed": 1}')
    wandb_logger = WandbTracker(
        project="test",
        save_dir=str(folder),
        name="student",
        group="demo",
        job_type="distill",
        tags=["a", "b"],
    )
    loggers = [CSVLogger(folder, name="", version="csv"), wandb_logger]
    record = {
        **provenance(),
        "config_hash": config_hash(CONFIG),
        "dataset": "0123456789abcdef",
    }
    callbacks = [
        Tracking(CONFIG, record),
        Scores(folder, ()),
        TryOnPanel(folder, rows=2),
        CostRecord(SIZE),
        Throughput(),
    ]
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR"):
            patch.setenv(name, str(folder.parent / "wandb"))
        patch.setenv("WANDB_SILENT", "true")
        stage = trainer(folder, *callbacks, logger=loggers)
        stage.fit(TinyModule(), datamodule=TinyData(folder))
        stage.test(TinyModule(), datamodule=TinyData(folder), verbose=False)
        model = Model(folder / "model.safetensors", "0123456789abcdef", parents, card, {"row": "student"})
        wandb_logger.log_model(model)
        finish(loggers)
    return OfflineRun.under(folder)


def test_the_resolved_config_is_there(run):
    assert {key: run.config[key] for key in CONFIG} == CONFIG


def test_the_run_says_where_it_comes_from(run):
    record, now = run.config["record"], provenance()
    for key in (
        "commit",
        "dirty",
        "versions",
        "cpu",
        "gpu",
        "threads",
        "python",
        "platform",
    ):
        assert record[key] == now[key], key
    assert record["dataset"] == "0123456789abcdef"
    assert record["config_hash"] == config_hash(CONFIG)


def test_group_job_type_and_tags_are_there(run):
    assert (run.run.run_group, run.run.job_type, list(run.run.tags)) == (
        "demo",
        "distill",
        ["a", "b"],
    )
    assert run.run.display_name == "student"


@pytest.mark.parametrize(
    ("key", "end"),
    [
        ("paired/ssim", "max"),
        ("val/psnr", "max"),
        ("paired/mse", "min"),
        ("unpaired/fid", "min"),
        ("val/epe", "min"),
    ],
)
def test_a_summary_keeps_the_better_end_of_a_score(run, key, end):
    metric = run.metrics[key]
    assert getattr(metric.summary, end)
    assert not getattr(metric.summary, {"max": "min", "min": "max"}[end])
    assert metric.step_metric == "trainer/global_step"


def test_scores_cost_and_speed_are_in_the_summary(run):
    assert run.summary["paired/ssim"].keys() == {"max", "last"}
    assert run.summary["paired/mse"].keys() == {"min", "last"}
    for name, value in cost(TinyModule().net, SIZE).items():
        assert run.summary[f"cost/{name}"] == pytest.approx(value)
    assert run.summary["speed/fit/samples_per_s"] > 0
    assert run.summary["speed/test/samples_per_s"] > 0


def test_there_is_a_panel_of_each_split(run, folder):
    for key in ("val/panel", "unpaired/panel", "paired/panel"):
        (entry,) = [row[key] for row in run.history if key in row]
        assert entry["_type"] == "image-file", key
        assert entry["path"] in run.files
        assert entry["width"] > entry["height"]
    names = {path.name for path in (folder / "panels").iterdir()}
    assert names == {"val_0000.png", "unpaired_test.png", "paired_test.png"}


def test_the_checkpoint_descends_from_data_tutor_and_teacher(run, folder):
    inputs, outputs = run.inputs(), run.outputs()
    roles = ("tutor", "teacher", "student")
    names = {role: artifact_name(folder.parent / role / "model.safetensors") for role in roles}
    assert {name: inputs[name].type for name in inputs} == {
        "data-0123456789ab": "dataset",
        names["tutor"]: "model",
        names["teacher"]: "model",
    }
    (model,) = [artifact for artifact in outputs.values() if artifact.type == "model"]
    assert (model.name, list(model.aliases)) == (names["student"], ["latest"])
    assert [entry.path for entry in model.manifest.contents] == ["model.safetensors"]
    metadata = json.loads(model.metadata)
    assert metadata["row"] == "student"
    assert metadata["lineage"]["data"] == "0123456789abcdef"
    assert metadata["lineage"]["teacher"]["artifact"] == names["teacher"]


def test_a_data_artifact_holds_the_fingerprint_and_no_picture(run):
    paths = [entry.path for entry in run.inputs()["data-0123456789ab"].manifest.contents]
    assert sorted(paths) == ["fingerprint.txt", "synthetic.json"]


def test_the_run_ends_well(run):
    assert run.exit_code == 0


def test_local_files_are_complete_without_wandb(run, folder):
    text = (folder / "csv" / "metrics.csv").read_text()
    for key in ("train/total", "val/ssim", "paired/ssim", "paired/epe"):
        assert key in text
    assert "0123456789abcdef" in (folder / "csv" / "hparams.yaml").read_text()


class BrokenRun:
    """A run whose service has died."""

    def __getattr__(self, name):
        raise ConnectionResetError("the service is gone")


@pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)
def test_a_run_goes_on_when_wandb_dies(tmp_path):
    logger = WandbTracker(experiment=BrokenRun())
    scores = Scores(tmp_path, ())
    stage = trainer(tmp_path, Tracking(CONFIG, {}), scores, TryOnPanel(tmp_path), logger=[logger])
    with pytest.warns(UserWarning, match="wandb failed and is off .*the service is gone") as seen:
        stage.test(TinyModule(), datamodule=TinyData(tmp_path), verbose=False)
    logger.log_model(Model(tmp_path / "samples.csv", "f"))
    finish([logger])
    assert len([warning for warning in seen if "wandb failed" in str(warning.message)]) == 1
    assert scores.record()["scores"]["paired/ssim"] is not None
    assert (tmp_path / "panels" / "paired_test.png").is_file()


def test_a_run_goes_on_when_wandb_does_not_start(monkeypatch):
    def init(**_):
        raise OSError("no space left on device")

    monkeypatch.setattr("wandb.init", init)
    logger = WandbTracker(project="test")
    with pytest.warns(UserWarning, match="no space left"):
        logger.log_metrics({"train/total": 1.0}, step=0)
    logger.log_hyperparams({"seed": 1})
    logger.log_summary({"cost/gmacs": 1.0}, step=0)
    finish([logger])
