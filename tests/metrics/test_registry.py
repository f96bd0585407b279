"""A metric is one entry of the registry, and reaches row, CSV, table and wandb with its direction."""

import csv
import io
from unittest.mock import MagicMock

import pytest
from rich.console import Console
from tiny_run import LIGHTNING_WARNINGS, TinyData, TinyModule, trainer

from vtryon.callbacks.recorder import Recorder, collected
from vtryon.callbacks.scores import Scores
from vtryon.callbacks.trackers.wandb import WandbTracker
from vtryon.callbacks.tracking import Tracking
from vtryon.metrics import registry
from vtryon.metrics.judged import Judged
from vtryon.metrics.registry import Metric, direction, register
from vtryon.models.features.efficientnet import EfficientNetLite0Pooled
from vtryon.models.features.inception import InceptionPool3
from vtryon.models.features.pretrained import WeightsNotFoundError
from vtryon.report.render.terminal import table
from vtryon.report.tables.rows import write_csv

pytestmark = pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "METRICS", dict(registry.METRICS))


class Logging(TinyModule):
    """It logs a score of its own in each test step."""

    def test_step(self, given, batch_idx, dataloader_idx=0):
        self.log("contrast", float(dataloader_idx), batch_size=len(given.person))
        return super().test_step(given, batch_idx, dataloader_idx)


def no_lpips():
    raise WeightsNotFoundError("no AlexNet in /nowhere; fetch it")


def brightness(judged: Judged):
    return judged.image.float().mean((1, 2, 3))


def scored(folder, module):
    """The row of a test, and the wandb run, which only notes what is done to it."""
    wandb_run = MagicMock()
    callbacks = [Scores(folder, (), no_lpips), Tracking({}, {})]
    run = trainer(folder, *callbacks, logger=[WandbTracker(experiment=wandb_run)])
    run.test(module, datamodule=TinyData(folder), verbose=False)
    return {"name": "tiny"} | collected(run, {"scores": {}}), wandb_run


def summaries(wandb_run) -> dict[str, str]:
    """How the summary of the wandb run is made, by key."""
    return {call.args[0]: call.kwargs["summary"] for call in wandb_run.define_metric.call_args_list if call.kwargs}


def printed(row) -> str:
    text = io.StringIO()
    Console(file=text, width=200).print(table([row]))
    return text.getvalue()


def test_a_metric_that_is_added_in_one_file_reaches_row_csv_table_and_wandb_with_its_direction(tmp_path):
    register(Metric("brightness", "max", "8-bit steps", "Brightness", 1, function=brightness, needs=("image",)))
    row, wandb_run = scored(tmp_path, TinyModule())
    assert 0 < row["scores"]["unpaired/brightness"] < 255
    with (tmp_path / "samples.csv").open() as file:
        assert all(float(line["brightness"]) > 0 for line in csv.DictReader(file))
    write_csv([row], tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert float(line["scores.paired/brightness"]) == pytest.approx(row["scores"]["paired/brightness"], rel=1e-4)
    assert "Brightness" in printed(row)
    assert f"{row['scores']['paired/brightness']:.1f}" in printed(row)
    assert summaries(wandb_run)["unpaired/brightness"] == "max,last"
    assert direction("unpaired/brightness") == "max"


def test_what_a_module_logs_in_its_test_step_has_the_split_of_the_loader_and_its_direction(tmp_path):
    register(Metric("contrast", "min"))
    row, wandb_run = scored(tmp_path, Logging())
    assert (row["scores"]["unpaired/contrast"], row["scores"]["paired/contrast"]) == (0, 1)
    assert summaries(wandb_run)["paired/contrast"] == "min,last"
    logged = [call.args[0] for call in wandb_run.log.call_args_list]
    assert any(numbers.get("paired/contrast") == 1 for numbers in logged)
    assert "contrast" in printed(row)


def test_a_name_that_is_not_registered_is_kept_without_a_direction_and_warned_of(tmp_path):
    with pytest.warns(UserWarning, match=r"not in the registry of metrics: contrast\..*metrics/registry.py"):
        row, wandb_run = scored(tmp_path, Logging())
    assert row["scores"]["paired/contrast"] == 1
    assert summaries(wandb_run)["paired/contrast"] == "last"
    assert direction("paired/contrast") is None


def test_no_summary_is_asked_for_an_end_that_nobody_knows(tmp_path):
    register(Metric("brightness", None, function=brightness, needs=("image",)))
    _, wandb_run = scored(tmp_path, TinyModule())
    assert not any("None" in summary for summary in summaries(wandb_run).values())
    assert summaries(wandb_run)["paired/brightness"] == "last"


def test_every_score_of_a_test_and_every_column_of_a_feature_network_is_registered(tmp_path):
    row, _ = scored(tmp_path, TinyModule(teacher=True))
    columns = [*EfficientNetLite0Pooled.columns, *InceptionPool3.columns]
    assert registry.unregistered([*row["scores"], *columns]) == ""


def test_a_function_may_be_named_by_its_path():
    assert Metric("size", "max", function="builtins:len").compute([5, 7]) == 2


def test_an_entry_with_a_wrong_direction_or_a_name_that_is_taken_is_refused():
    with pytest.raises(ValueError, match=r"direction \(='up'\) of metric 'brightness' must be 'max', 'min' or None"):
        Metric("brightness", "up")
    with pytest.raises(ValueError, match="metric 'ssim' is registered already; take another name"):
        register(Metric("ssim", "max"))


class Fixed(Recorder):
    def __init__(self, group, **numbers):
        self.group, self.numbers = group, numbers

    def record(self):
        return {self.group: self.numbers}


class Another(Fixed):
    """Lightning refuses two callbacks of one kind."""


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_recorders_does_not_matter(order, tmp_path):
    recorders = [Fixed("cost", mib=1), Another("cost", gmacs=2)][::order]
    row = collected(trainer(tmp_path, *recorders), {"cost": {"mib": 3}, "steps": 5})
    assert row == {"cost": {"mib": 3, "gmacs": 2}, "steps": 5, "scores": {}}


def test_two_recorders_of_one_number_are_an_error(tmp_path):
    run = trainer(tmp_path, Fixed("cost", mib=1), Another("cost", mib=2))
    with pytest.raises(ValueError, match=r"Another records cost\.mib, which another callback .*a key of its own"):
        collected(run, {})
