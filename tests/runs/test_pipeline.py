"""The stages of a profile, one after the other."""

from pathlib import Path

import pytest

import vtryon.runs.pipeline
from vtryon.config.compose import composed, conf_dir
from vtryon.config.words import ConfigError
from vtryon.runs.pipeline import chain_of, pipeline

PROFILES = sorted(path.stem for path in (conf_dir() / "profile").glob("*.yaml"))


@pytest.fixture
def runs(monkeypatch):
    """The configs that would have been run."""
    configs = []
    monkeypatch.setattr(vtryon.runs.pipeline, "run", lambda cfg: configs.append(cfg) or {"name": cfg.name})
    return configs


@pytest.mark.parametrize("profile", PROFILES)
def test_in_every_chain_a_stage_comes_after_its_parents(profile):
    stages, folder = chain_of([f"profile={profile}"])
    done = set()
    for name, own in stages.items():
        cfg = composed([f"experiment={name}", f"profile={profile}", *own])
        needed = {Path(path).parent.name for path in cfg.parents.values()}
        assert needed <= done, name
        done.add(name)
    assert {"tutor_warp", "tutor", "student_warp", "student"} <= done
    assert folder.name == profile


def test_the_quick_demo_has_the_demos_stages_and_a_fifth_of_its_steps():
    demo, quick = (chain_of([f"profile={profile}"])[0] for profile in ("demo", "quick"))
    assert demo == quick
    steps = {"demo": 0, "quick": 0}
    for profile in steps:
        for name in demo:
            trainer = composed([f"experiment={name}", f"profile={profile}"]).trainer
            if trainer.max_epochs is not None:
                steps[profile] += trainer.max_epochs * trainer.limit_train_batches
    assert steps["quick"] <= steps["demo"] / 5


def test_stages_take_their_own_overrides_and_the_command_line_wins(runs, tmp_path):
    stages = {"tutor_warp": ["data.size=[128,96]", "seed=1"]}
    pipeline(stages, tmp_path, ["profile=small", "data.root.train=8"])
    pipeline(stages, tmp_path, ["profile=small", "seed=2"])
    assert [(list(cfg.data.size), cfg.seed) for cfg in runs] == [([128, 96], 1), ([128, 96], 2)]
    assert all(Path(cfg.paths.run) == tmp_path / "tutor_warp" for cfg in runs)


def test_a_mistake_in_a_later_stage_is_told_before_the_first_runs(runs, tmp_path):
    with pytest.raises(ConfigError, match=r"optimizer\.lr=-1"):
        pipeline({"tutor_warp": [], "paste": [], "tutor": ["optimizer.lr=-1"]}, tmp_path)
    assert runs == []


@pytest.mark.parametrize("chain", ["null", "3", "[tutor]", "{tutor:null}"])
def test_a_chain_that_is_no_list_of_stages_is_told(chain):
    with pytest.raises(ConfigError, match="chain"):
        chain_of([f"chain={chain}"])
