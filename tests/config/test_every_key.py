"""Whatever a key of a config is set to, the answer is a run or one line that names the key."""

import copy
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator

import pytest
from omegaconf import DictConfig, OmegaConf, open_dict

from vtryon.cli.errors import mistake_below
from vtryon.config.compose import composed, conf_dir, expand_home, problems
from vtryon.runs.build import build
from vtryon.runs.identity import essence

KINDS = {
    "null": (None,),
    "wrong type": ("text", 3, 0.5, True, ["a"], {"a": {"b": []}}, [[1], None]),
    "empty": ("", [], {}),
    "huge": (10**12, math.inf, math.nan, "x" * 5000),
    "negative": (-1,),
    "path": ("/no/such/file", "~/x", "/proc/self/here", "a\0b", "a,b"),  # /proc cannot be written
    "interpolation": ("${nowhere}", "???"),
}
VALUES = tuple(itertools.chain.from_iterable(KINDS.values()))
LITTLE = ("trainer=cpu", "logger.wandb=null", "perceptual=none")
WORDS = ("experiment=tutor_warp", "debug=smoke", *LITTLE)
PARTS = 8  # of the kinds of keys, for several workers
GROUPS = ("training", "compression", "analysis", "init", "model", "optimizer", "perceptual", "trainer", "debug")


def keys_of(node: dict, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of each key; a name may have dots in it, as those of `sweep` have."""
    for name, value in node.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from keys_of(value, (*above, name))


def with_value(cfg: DictConfig, key: tuple[str, ...], value: object) -> DictConfig:
    changed = copy.deepcopy(cfg)
    with open_dict(changed):
        node = changed
        for name in key[:-1]:
            node = node[name]
        node[key[-1]] = copy.deepcopy(value)
    expand_home(changed)
    return changed


def names_in(folder: str) -> list[str]:
    return sorted(file.stem for file in (conf_dir() / folder).glob("[!_]*.yaml"))


def command_lines() -> Iterator[tuple[str, ...]]:
    """Every recipe with every profile, tiny networks and few people, and every choice of every group.

    A key is tried in the first of them that has it: the quickest to build, and of the budgets the quickest plan.
    """
    yield (*LITTLE, "debug=smoke", "experiment=tutor_warp")
    yield (*LITTLE, "debug=smoke", "experiment=budget", "compression=budget_uniform")
    for profile, recipe in itertools.product(("demo", "small", "full"), (None, *names_in("experiment"))):
        yield (*LITTLE, "debug=smoke", f"profile={profile}", *([f"experiment={recipe}"] if recipe else []))
    for group in GROUPS:
        for choice in names_in(group):
            yield (*LITTLE, *([] if group == "debug" else ["debug=smoke"]), f"{group}={choice}")


def kind_of(config: dict, key: tuple[str, ...]) -> tuple:
    """What decides how a key's value is read: the key, and the object that gets it."""
    node, target = config, None
    for part in key:
        target = node.get("_target_", target)
        node = node[part]
    return key, target


@pytest.fixture(scope="module")
def base() -> DictConfig:
    cfg = composed(WORDS)
    assert problems(cfg) == []
    return cfg


@pytest.fixture(scope="module")
def every(chain) -> tuple[int, dict[tuple, tuple[DictConfig, tuple[str, ...]]]]:
    """How many keys there are in all command lines, and one config for each kind of key."""
    count, kinds = 0, {}
    for words in command_lines():
        cfg = composed([*words, f"paths.chain={chain}"])
        config = OmegaConf.to_container(cfg, resolve=False)
        for key in keys_of(config):
            count += 1
            kinds.setdefault(kind_of(config, key), (cfg, key))
    return count, kinds


def lines_of(cfg: DictConfig, key: tuple[str, ...], value: object) -> list[str]:
    lines = problems(with_value(cfg, key, value))
    assert all(line.strip() and "\n" not in line for line in lines), (key, value, lines)
    return lines


def test_every_key_takes_one_of_the_values_without_a_traceback(base):
    """Each key with one value in turn; the nightly test has all values."""
    values = itertools.cycle(VALUES)
    for key in keys_of(OmegaConf.to_container(base)):
        lines_of(base, key, next(values))


@pytest.mark.parametrize(
    "key",
    [
        *("data.size", "data.batch_size", "data.val_size", "data.workers", "data.root", "model.generator.ngf"),
        *("seed", "name", "parents", "callbacks", "logger", "trainer.max_epochs", "sweep", "model.warp"),
    ],
)
def test_null_is_refused_where_nothing_could_run(base, key):
    lines = problems(with_value(base, tuple(key.split(".")), None))
    assert any(line.startswith(f"{key}=null: must be") for line in lines), lines


@pytest.mark.parametrize("value", [["a"], [], [[1], None]])
def test_a_list_in_whose_place_a_sweep_expects_a_mapping_is_named(value):
    cfg = composed(["experiment=pareto", *LITTLE])
    lines = problems(with_value(cfg, ("compression", "pruning"), value))
    assert any(line.startswith("compression.pruning=[") and "must be a mapping" in line for line in lines), lines


@pytest.mark.nightly  # every key of every recipe, profile and group with every value; what passes is built
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_key_of_every_recipe_and_profile_gives_a_run_or_one_line(part, every, chain, tmp_path, monkeypatch):
    monkeypatch.setenv("VTRYON_CACHE", str(chain.parent / "cache"))
    monkeypatch.setenv("VTRYON_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    keys, kinds = every
    counts, unexplained = Counter(), []
    for (cfg, key), value in itertools.product(list(kinds.values())[part::PARTS], VALUES):
        counts["tried"] += 1
        try:
            if lines_of(cfg, key, value):
                counts["refused by a rule"] += 1
                continue
            changed = with_value(cfg, key, value)
            essence(changed)
            build(changed)
        except Exception as error:
            mistake = mistake_below(error)
            counts["a line"] += mistake is not None
            if mistake is None:
                unexplained.append(f"{'.'.join(key)}={value!r:.60}: {type(error).__name__}: {error!s:.200}")
        else:
            counts["built"] += 1
    found = {"keys": keys, "kinds of keys": len(kinds), "values": len(VALUES), **counts, "tracebacks": len(unexplained)}
    print(json.dumps(found))  # pytest -rA shows it
    assert unexplained == []
