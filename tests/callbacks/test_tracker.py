"""What every tracker does alike: it never stops a run, and is chosen, joined and refused in one word of a config."""

import pytest
from PIL import Image

from vtryon.callbacks.trackers.tracker import Tracker, finish
from vtryon.config.compose import ConfigError, check_command_line, composed


class Broken(Tracker):
    """A service that is down from the first number."""

    name, version = "broken", "0"

    def log_hyperparams(self, params):
        self.given = params

    def log_metrics(self, metrics, step=None):
        raise ConnectionResetError("the service is gone")


def test_a_tracker_that_fails_is_off_after_one_warning():
    tracker = Broken()
    with pytest.warns(UserWarning, match="failed and is off for the rest of this run .*the service is gone"):
        tracker.log_metrics({"x": 1.0})
    tracker.log_summary({"cost/gmacs": 1.0}, step=0)  # a second warning would be an error here
    tracker.log_hyperparams({"seed": 1})
    finish([tracker], succeeded=False)
    assert not hasattr(tracker, "given")


def test_what_a_service_has_no_place_for_is_left_out_in_silence():
    tracker = Broken()
    tracker.log_pictures({"val/panel": Image.new("RGB", (2, 2))}, step=0)
    tracker.log_table("samples", ["a"], [[1]], step=0)
    assert tracker.failure is None


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ([], ["csv", "wandb"]),
        (["logger=tensorboard"], ["tensorboard"]),
        (["logger=[wandb,tensorboard]"], ["wandb", "tensorboard"]),
        (["+logger=mlflow"], ["csv", "wandb", "mlflow"]),
        (["logger=[csv,trackio]"], ["csv", "trackio"]),
        (["logger.wandb=null"], ["csv"]),
        (["logger=none"], []),
    ],
)
def test_trackers_are_chosen_alone_or_together(words, chosen):
    loggers = composed(["experiment=tutor_warp", *words]).logger
    assert [name for name, node in loggers.items() if node is not None] == chosen


def test_an_unknown_tracker_is_told_with_those_that_there_are():
    with pytest.raises(ConfigError, match=r"logger=neptune: no such choice; there are csv, mlflow,.* wandb$"):
        check_command_line(["experiment=tutor_warp", "logger=[csv,neptune]"])
    for value in ("null", "[]"):
        with pytest.raises(ConfigError, match=r"logger=.*: must name one of csv, mlflow, none"):
            check_command_line(["experiment=tutor_warp", f"logger={value}"])


def test_a_package_that_is_absent_is_one_line_with_the_remedy_before_anything_starts(monkeypatch):
    monkeypatch.setattr("vtryon.config.checks.find_spec", lambda name: None if name == "mlflow" else True)
    with pytest.raises(ConfigError) as told:
        check_command_line(["experiment=tutor_warp", "logger=[csv,mlflow]"])
    assert str(told.value) == 'logger=mlflow: mlflow is not installed; pip install "vtryon[trackers]"'
    check_command_line(["experiment=tutor_warp", "logger=[csv,mlflow]", "logger.mlflow=null"])
