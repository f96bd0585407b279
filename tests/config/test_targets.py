"""A config calls nothing but what networks, losses, data and training are made of."""

import pytest
from omegaconf import OmegaConf

from vtryon.config.compose import ConfigError, check_command_line, composed, conf_dir, read
from vtryon.config.targets import disallowed_targets, imported_targets
from vtryon.runs.build import build

EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml"))
CODE = ("os.system", "builtins.eval", "subprocess.run", "torch.hub.load", "torch.load", "hydra.utils.get_method")


@pytest.mark.parametrize("target", [*CODE, "vtryon.models.checkpoint._read", "vtryon.runs.run.run", "vtryonx.nn.Net"])
def test_a_stranger_is_named_with_its_key_before_anything_is_called(target):
    with pytest.raises(ConfigError, match=rf"model\._target_={target}: nothing that a config may call"):
        check_command_line([f"model._target_={target}"])


def test_a_stranger_is_found_at_any_depth_and_through_an_interpolation():
    cfg = OmegaConf.create({"a": [{"b": {"_target_": "${name}"}}], "name": "os.system"})
    assert [line.split(":")[0] for line in disallowed_targets(cfg)] == ["a.0.b._target_=os.system"]


@pytest.mark.parametrize(
    "target",
    [
        "vtryon.callbacks.checkpointing.history.os.system",
        "torch.optim.optimizer.torch.load",
        "vtryon.models.checkpoint.os.getcwd",
    ],
)
def test_what_an_allowed_module_has_only_imported_is_refused(target):
    cfg = OmegaConf.create({"model": {"_target_": target}})
    assert disallowed_targets(cfg) == []
    assert imported_targets(cfg)[0].startswith(f"model._target_={target}")


def test_a_module_of_ones_own_is_called_once_its_user_vouches_for_it(tmp_path, monkeypatch):
    (tmp_path / "my_callbacks.py").write_text("class Watch:\n    pass\n\n\nfrom os import system  # noqa\n")
    monkeypatch.syspath_prepend(tmp_path)
    cfg = OmegaConf.create({"mine": {"_target_": "my_callbacks.Watch"}})
    assert disallowed_targets(cfg)
    monkeypatch.setenv("VTRYON_ALLOW", "another, my_callbacks")
    assert disallowed_targets(cfg) + imported_targets(cfg) == []
    assert disallowed_targets(OmegaConf.create({"mine": {"_target_": "my_callbacks_too.Watch"}}))
    assert imported_targets(OmegaConf.create({"mine": {"_target_": "my_callbacks.system"}}))  # only imported there


def test_nothing_is_called_before_all_targets_are_checked(tmp_path):
    mark = tmp_path / "called"
    words = f"callbacks.mine={{_target_:vtryon.callbacks.checkpointing.history.os.system,command:'touch {mark}'}}"
    cfg = read(["experiment=tutor_warp", f"+{words}"])
    with pytest.raises(ConfigError, match=r"callbacks\.mine\._target_"):
        build(cfg)
    assert not mark.exists()


def test_a_recipe_hangs_no_code_into_hydra(tmp_path):
    (tmp_path / "experiment").mkdir()
    recipe = "# @package _global_\nhydra:\n  callbacks:\n    mine:\n      _target_: os.system\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(recipe)
    with pytest.raises(ConfigError, match=r"hydra\.callbacks\.mine"):
        check_command_line(["experiment=mine"], str(tmp_path))


def test_every_recipe_passes():
    for name in EXPERIMENTS:
        cfg = composed([f"experiment={name}"], None)
        assert disallowed_targets(cfg) + imported_targets(cfg) == [], name
