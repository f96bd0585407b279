"""From a command line to a checked config, without torch: a mistake is told in the time it takes to read some YAML."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from vtryon.rules import RULES
from vtryon.targets import strangers


class ConfigError(ValueError):
    """What is wrong with a config, a line a problem."""


def conf_dir() -> Path:
    """conf/: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    return next(folder for folder in (package / "conf", package.parent / "conf") if folder.is_dir())


def read(overrides: Sequence[str] = (), config_dir: str | None = None) -> DictConfig:
    """Compose and check the config of one run.

    Args:
        overrides: as on the command line, `key=value`.
        config_dir: a folder of more recipes, laid out as conf/.

    Raises:
        ConfigError: naming each key, its value and what is allowed.
    """
    cfg = _compose(overrides, config_dir)
    raise_problems(problems(cfg))
    return cfg


def check_command_line(overrides: Sequence[str], config_dir: str | None = None) -> None:
    """Check every run that a command line with sweeps asks for: each value of each sweep, the others at their first."""
    parsed = _parsed(overrides)
    choices = [_choices(override) for override in parsed]
    found: list[str] = []
    for which, values in enumerate(choices):
        for value in values if which == 0 else values[1:]:
            line = [value if i == which else others[0] for i, others in enumerate(choices)]
            found += problems(_compose(line, config_dir))
    if not choices:
        found = problems(_compose([], config_dir))
    raise_problems(found)


def with_sweep(overrides: Sequence[str], config_dir: str | None = None, single: bool = False) -> list[str]:
    """The overrides of a sweep, completed by those that its recipe names under `sweep` and the command line does not.

    Args:
        single: where there is nothing to sweep over, make it a sweep of one job.

    Raises:
        ConfigError: where there is nothing to sweep over.
    """
    parsed = _parsed(overrides)
    given = {override.key_or_group for override in parsed}
    recipe = _compose([_choices(override)[0] for override in parsed], config_dir).sweep
    added = [f"{key}={values}" for key, values in recipe.items() if key not in given]
    if not added and not any(override.is_sweep_override() for override in parsed):
        if single:
            return [*overrides, *([] if "seed" in given else ["seed=0"])]
        raise ConfigError("-m: nothing to sweep over; give a key several values, such as seed=0,1,2")
    return [*overrides, *added]


def raise_problems(found: Sequence[str]) -> None:
    if found:
        raise ConfigError("\n".join(dict.fromkeys(found)))


def problems(cfg: DictConfig) -> list[str]:
    """Everything that cannot be right in a composed config; nothing is read but the config."""
    try:
        return strangers(cfg) or _broken_rules(cfg) or _missing_parents(cfg)
    except OmegaConfBaseException as error:  # a value that refers to nothing, or is left open
        return [str(error).strip().replace("\n    ", "; ")]


def _broken_rules(cfg: DictConfig) -> list[str]:
    found = []
    for key, rule in RULES.items():
        value = OmegaConf.select(cfg, key, throw_on_missing=False)
        if OmegaConf.is_config(value):
            value = OmegaConf.to_container(value, resolve=True)
        if value is not None and not rule.holds(value):
            found.append(f"{key}={_written(value)}: must be {rule.allowed}")
    return found


def _missing_parents(cfg: DictConfig) -> list[str]:
    return [
        f"parents.{role}={path}: no such file; run the stage before this one (`vtryon demo` runs all of them), "
        f"or give parents.{role}=RUN/model.safetensors"
        for role, path in cfg.parents.items()
        if not Path(path).expanduser().is_file()
    ]


def _parsed(overrides: Sequence[str]) -> list[Override]:
    try:
        return OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError(_explained(str(error), None)) from error


def _compose(overrides: Sequence[str], config_dir: str | None) -> DictConfig:
    search = [f"hydra.searchpath=[file://{Path(config_dir).resolve()}]"] if config_dir else []
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("config", overrides=[*overrides, *search], return_hydra_config=True)
    except Exception as error:  # Hydra's own, and what its code trips over, as of experiment=3
        raise ConfigError(_explained(str(error) or str(error.__cause__), config_dir)) from error
    raise_problems([f"hydra.callbacks.{name}: a config may not hang code into Hydra" for name in cfg.hydra.callbacks])
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg


def _explained(message: str, config_dir: str | None) -> str:
    """Hydra's message, and for a key that does not exist the keys that do."""
    unknown = re.match(r"Could not override '([^']+)'", message)
    if not unknown:
        return message.split("\nConfig search path")[0].replace("\n\n", "\n").strip()
    key = unknown[1]
    parent, _, name = key.rpartition(".")
    whole = _compose([], config_dir)
    node = OmegaConf.select(whole, parent) if parent else whole
    known = [str(child) for child in node if not str(child).startswith("_")] if isinstance(node, DictConfig) else []
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {parent + '.' if parent else ''}{near[0]}?" if near else ""
    where = f"{parent} has {', '.join(sorted(known))}" if parent else f"the config has {', '.join(sorted(known))}"
    return f"{key}: no such key{hint} {where}; a new one is added with +{key}=…"


def _choices(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [override.input_line]
    if isinstance(override.value(), IntervalSweep):  # of real numbers, for a sweeper that searches
        return [f"{override.get_key_element()}={end}" for end in (override.value().start, override.value().end)]
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _written(value: object) -> str:
    return str(value).replace(" ", "")
