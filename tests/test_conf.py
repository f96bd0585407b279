"""Every recipe composes, fits the signatures that it names, and is refused when it cannot be right."""

import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
import wandb
import yaml
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf
from pytorch_lightning.loggers import WandbLogger

from vtryon.compression.gradual_pruning import GradualPruning
from vtryon.compression.pruning import Pruning
from vtryon.compression.supernet.widths import WidthSpace
from vtryon.config.compose import ConfigError, check_command_line, conf_dir, problems, read, with_sweep
from vtryon.config.compose import composed as compose_config
from vtryon.config.rules import RULES
from vtryon.metrics.cost import cost

EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml"))
PROFILES = sorted(path.stem for path in (conf_dir() / "profile").glob("*.yaml"))


@cache
def composed(*overrides: str) -> dict:
    return OmegaConf.to_container(compose_config(overrides, None), resolve=True)


def targets(node, path: str = "config") -> Iterator[tuple[str, object, dict]]:
    """(path, callable, keyword arguments) of each node that names a target."""
    for key, child in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(child, dict | list):
            yield from targets(child, f"{path}.{key}")
    if isinstance(node, dict) and "_target_" in node:
        yield path, get_object(node["_target_"]), {key: v for key, v in node.items() if not key.startswith("_")}


def taken(target) -> set[str]:
    """Names that a target takes, where it has **kwargs also those of whom it passes them on to."""
    names = set(inspect.signature(target).parameters)
    if "kwargs" not in names:
        return names
    further = [wandb.init] if issubclass(target, WandbLogger) else []
    further += [Pruning] if target is GradualPruning else []
    return names.union(*(inspect.signature(call).parameters for call in [*target.__mro__[1:-1], *further]))


def own_sweep(experiment: str) -> dict[str, str]:
    """`sweep` of a recipe, read from its file and those it derives from: composing all would slow collection."""
    recipe = OmegaConf.to_container(OmegaConf.load(conf_dir() / "experiment" / f"{experiment}.yaml"))
    sweep = {}
    for entry in recipe.get("defaults", []):
        if entry in EXPERIMENTS:
            sweep |= own_sweep(entry)
    return sweep | recipe.get("sweep", {})


def groups_swept(sweep: dict[str, str]) -> Iterator[str]:
    """Overrides of config groups that a sweep goes over, one at a time."""
    for key, values in sweep.items():
        if (conf_dir() / key).is_dir():
            yield from (f"{key}={value}" for value in values.split(","))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("experiment", "choice"),
    [(name, choice) for name in EXPERIMENTS for choice in (None, *groups_swept(own_sweep(name)))],
)
def test_a_recipe_gives_every_target_only_what_it_takes(experiment, choice, profile):
    cfg = composed(f"experiment={experiment}", f"profile={profile}", *([choice] if choice else []))
    for path, target, given in targets(cfg):
        unknown = given.keys() - taken(target)
        assert not unknown, f"{path}: {target.__qualname__} takes no {sorted(unknown)}"


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_sweep_read_from_the_recipe_s_file_is_the_composed_one(experiment):
    read, full = own_sweep(experiment), composed(f"experiment={experiment}")["sweep"]
    assert read.keys() == full.keys()
    assert list(groups_swept(read)) == list(groups_swept(full))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_recipe_opens_with_its_command_cost_and_expectation(experiment):
    text = (conf_dir() / "experiment" / f"{experiment}.yaml").read_text()
    assert f"vtryon run experiment={experiment}" in text or f"vtryon run -m experiment={experiment}" in text
    assert "#   takes" in text
    assert "#   expected" in text


@pytest.mark.parametrize("experiment", EXPERIMENTS)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_recipe_breaks_no_rule(experiment, profile):
    found = problems(OmegaConf.create(composed(f"experiment={experiment}", f"profile={profile}")))
    assert all(line.startswith("parents.") for line in found)


def test_every_rule_speaks_of_a_key_of_some_recipe():
    configs = [
        OmegaConf.create(composed(f"experiment={name}", f"profile={profile}"))
        for name in EXPERIMENTS
        for profile in PROFILES
    ]
    for key in RULES:
        parent, _, name = key.rpartition(".")
        assert any(name in ((OmegaConf.select(cfg, parent) if parent else cfg) or {}) for cfg in configs), key


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("model.generator.ngf=0", "model.generator.ngf=0: must be a whole number of at least 1"),
        ("model.generator.ngf=2.5", "model.generator.ngf=2.5: must be a whole number"),
        ("model.warp.channels=[64,128,256,256]", "model.warp.channels=[64,128,256,256]: must be 5 whole numbers"),
        ("data.size=[250,192]", "data.size=[250,192]: must be [height,width], both divisible by 32"),
        ("trainer.max_epochs=many", "trainer.max_epochs=many: must be a whole number of at least 1"),
        ("data.root=/no/such/folder", "data.root=/no/such/folder: must be a folder that exists"),
        ("seed=-1", "seed=-1: must be a whole number of at least 0"),
        ("model.generator.nfg=4", "model.generator.nfg: no such key; did you mean model.generator.ngf?"),
        ("trainer.max_epoch=4", "did you mean trainer.max_epochs?"),
        ("experiment=studnet", "student"),
    ],
)
def test_a_mistake_names_the_key_the_value_and_what_is_allowed(override, said):
    with pytest.raises(ConfigError) as caught:
        check_command_line([override])
    assert said in str(caught.value)


def test_every_value_of_a_sweep_is_checked_before_the_first_run():
    with pytest.raises(ConfigError, match=r"model.generator.ngf=0: must be"):
        check_command_line(["experiment=f7_ngf_distillation", "model.generator.ngf=2,4,0"])


@pytest.mark.parametrize("profile", PROFILES)
def test_beyond_tenfold_is_at_most_a_tenth_of_the_dense_student_s_work(profile):
    work = []
    for experiment in ("student", "beyond_tenfold"):
        cfg = composed(f"experiment={experiment}", f"profile={profile}")
        with torch.device("meta"):
            work.append(cost(instantiate(cfg["model"]), tuple(cfg["data"]["size"]))["gmacs"])
    assert work[1] <= work[0] / 10


def test_a_recipe_brings_its_own_sweep_and_the_command_line_has_the_last_word():
    swept = with_sweep(["experiment=t1_cwm_pruning", "training=untuned"])
    assert swept[:2] == ["experiment=t1_cwm_pruning", "training=untuned"]
    assert swept[2:] == ["compression.ratio=0.2,0.3,0.4,0.5"]


@pytest.mark.parametrize("profile", PROFILES)
def test_widths_that_a_supernet_is_asked_for_are_held_by_it_and_some_of_the_ladder(profile):
    taken_from_it, trained = (composed(f"profile={profile}", *source) for source in (["source=supernet"], []))
    space = WidthSpace(**taken_from_it["supernet"])
    for key in ("ngf", "channels"):
        held, ladder = (yaml.safe_load(f"[{cfg['ladder'][key]}]") for cfg in (taken_from_it, trained))
        assert all(width in ladder for width in held)
        for width in held:
            widths = tuple(width) if key == "channels" else width
            assert space.indices(space.widest()._replace(**{key: widths}))


def test_both_ends_of_a_range_are_checked_before_a_search_begins():
    line = ["experiment=budget", "compression=budget_uniform", "target.share=interval(0.4,1.2)"]
    assert any("target.share=1.2: must be" in said for said in complaints(with_sweep(line)))


def test_a_sweep_over_nothing_is_told():
    with pytest.raises(ConfigError, match="nothing to sweep over"):
        with_sweep(["experiment=student"])


@pytest.mark.slow  # a composition a value
@pytest.mark.parametrize("experiment", [name for name in EXPERIMENTS if own_sweep(name)])
@pytest.mark.parametrize("profile", PROFILES)
def test_every_value_that_a_recipe_sweeps_over_is_allowed(experiment, profile):
    line = with_sweep([f"experiment={experiment}", f"profile={profile}"])
    assert all(said.startswith("parents.") for said in complaints(line))  # those are not there


def complaints(line: list[str]) -> list[str]:
    try:
        check_command_line(line)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def test_several_mistakes_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        check_command_line(["model.generator.ngf=0", "data.batch_size=0"])
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_parent_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("VTRYON_RUNS", str(tmp_path))
    with pytest.raises(ConfigError, match=r"parents.teacher=.*no such file; run the stage before"):
        read(["experiment=distill"])


def test_users_recipes_are_found_beside_ours(tmp_path):
    (tmp_path / "experiment").mkdir()
    recipe = (
        "# @package _global_\ndefaults:\n  - distill\nname: mine\nmodel:\n  generator:\n    ngf: 12\n"  # the README's
    )
    (tmp_path / "experiment" / "mine.yaml").write_text(recipe)
    cfg = compose_config(["experiment=mine"], str(tmp_path))
    assert (cfg.name, cfg.stage, cfg.model.generator.ngf) == ("mine", "distill", 12)


def test_one_switch_changes_size_width_and_budget():
    demo, full = composed("profile=demo"), composed("profile=full")
    assert full["data"]["size"] == [256, 192]
    assert full["model"]["warp"]["channels"] == [64, 128, 256, 256, 256]
    assert full["trainer"]["max_epochs"] == 100
    assert demo["data"]["size"] != full["data"]["size"]
    assert demo["model"]["generator"]["ngf"] < full["model"]["generator"]["ngf"]


def test_the_full_profile_is_the_published_schedule():
    expected = {"tutor_warp": (100, 5e-5), "tutor": (100, 5e-5), "student_warp": (200, 3e-5), "student": (100, 5e-5)}
    for stage, (epochs, lr) in expected.items():
        cfg = composed(f"experiment={stage}", "profile=full")
        assert cfg["trainer"]["max_epochs"] == epochs
        assert cfg["training"]["optimizer"] == {
            "_target_": "torch.optim.Adam",
            "_partial_": True,
            "lr": lr,
            "betas": [0.5, 0.999],
            "fused": True,
        }
        assert cfg["perceptual"]["_target_"].endswith("vgg19")


def test_conf_holds_no_group_that_nothing_uses():
    chosen = (conf_dir() / "config.yaml").read_text()
    for group in (path.name for path in Path(conf_dir()).iterdir() if path.is_dir()):
        assert f"- {group}:" in chosen


def test_an_analysis_takes_released_weights_as_well_as_a_run_s():
    for experiment in ("f1_f4_block_sensitivity", "f5_filter_sensitivity"):
        assert composed(f"experiment={experiment}")["parents"].keys() == {"net"}
        assert composed(f"experiment={experiment}", "model=official")["parents"] == {}
