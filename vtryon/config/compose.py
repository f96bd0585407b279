"""From a command line to a checked config, without torch: a mistake is told in the time it takes to read some YAML."""

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.conf import HydraConf
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from vtryon.config.checks import (
    absent_trackers,
    arguments_of,
    unread_additions,
    unread_keys,
    unusable_parents,
    unwritable_folders,
)
from vtryon.config.rules import broken_rules, exists
from vtryon.config.targets import disallowed_targets
from vtryon.config.words import ConfigError, parse, prepared, quoted, spread
from vtryon.utils.home import with_home

OPEN = ("callbacks", "logger")  # nodes to which a command line may add
PLUGINS = {"launcher": "hydra/launcher=joblib", "sweeper": "hydra/sweeper=optuna"}


def conf_dir() -> Path:
    """conf/: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(folder for folder in (package / "conf", package.parent / "conf") if folder.is_dir())


def read(overrides: Sequence[str] = (), config_dir: str | None = None) -> DictConfig:
    """Compose and check the config of one run.

    Args:
        overrides: as on the command line, `key=value`.
        config_dir: a folder of more recipes, laid out as conf/.

    Raises:
        ConfigError: naming each key, its value and what is allowed.
    """
    cfg = composed(overrides, config_dir)
    raise_problems(problems(cfg))
    return cfg


def check_command_line(overrides: Sequence[str], config_dir: str | None = None, sweeps: bool = True) -> None:
    """Check every run that a command line with sweeps asks for: each value of each sweep, the others at their first.

    Args:
        sweeps: whether it may sweep; without -m several values are a mistake.
    """
    parsed = parse(prepared(overrides))
    raise_problems(
        f"{override.input_line}: several values; add -m for a run of each, or quote one that has commas: "
        f'"{quoted(override.get_key_element(), str(override.input_line).partition("=")[2])}"'
        for override in parsed
        if override.is_sweep_override() and not sweeps
    )
    choices = [spread(override) for override in parsed]
    first = [values[0] for values in choices]
    lines = [first]
    for position, values in enumerate(choices):
        lines += [[*first[:position], value, *first[position + 1 :]] for value in values[1:]]
    raise_problems([problem for line in lines for problem in problems(composed(line, config_dir))])


def with_sweep(overrides: Sequence[str], config_dir: str | None = None, single: bool = False) -> list[str]:
    """The overrides of a sweep, completed by those that its recipe names under `sweep` and the command line does not.

    Args:
        single: where there is nothing to sweep over, make it a sweep of one job.

    Raises:
        ConfigError: where there is nothing to sweep over.
    """
    parsed = parse(overrides)
    keys = {override.key_or_group for override in parsed}
    sweep = composed([spread(override)[0] for override in parsed], config_dir).sweep
    added = [f"{key}={values}" for key, values in (sweep or {}).items() if key not in keys]
    if not added and not any(override.is_sweep_override() for override in parsed):
        if single:
            return [*overrides, *([] if "seed" in keys else ["seed=0"])]
        raise ConfigError("-m: nothing to sweep over; give a key several values, such as seed=0,1,2")
    return [*overrides, *added]


def raise_problems(lines: Iterable[str]) -> None:
    """
    Raises:
        ConfigError: where there is any line, each of them once.
    """
    if lines := list(dict.fromkeys(lines)):
        raise ConfigError("\n".join(lines))


def problems(cfg: DictConfig, parents: bool = True) -> list[str]:
    """Everything that cannot be right in a composed config, the first kind of mistake that there is.

    Args:
        parents: also look for the files of earlier stages.
    """
    try:
        resolved = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))  # once: the rules ask for many values
        return (
            [f"{key}=???: must be given a value" for key in sorted(OmegaConf.missing_keys(cfg))]
            or disallowed_targets(resolved)
            or broken_rules(resolved)
            or unread_keys(cfg)
            or absent_trackers(cfg)
            or unwritable_folders(cfg)
            or (unusable_parents(cfg) if parents else [])
        )
    except OmegaConfBaseException as error:  # a value that refers to nothing, or is left open
        return [str(error).strip().replace("\n    ", "; ")]


def composed(overrides: Sequence[str] = (), config_dir: str | None = None) -> DictConfig:
    """The config that conf/ and `overrides` make, not checked but for what it asks of Hydra itself.

    Raises:
        ConfigError: an unknown key, group or choice.
    """
    overrides = prepared(overrides)
    added = [override.key_or_group for override in parse(overrides) if override.is_add()]
    search = [f"hydra.searchpath=[file://{Path(config_dir).resolve()}]"] if config_dir else []
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("config", overrides=[*overrides, *search], return_hydra_config=True)
    except Exception as error:  # Hydra's own, and what its code trips over, as of experiment=3
        raise ConfigError(_explain(str(error) or str(error.__cause__), overrides, config_dir)) from error
    raise_problems(_no_choice(overrides, "[]"))
    raise_problems([f"hydra.callbacks.{name}: a config may not hang code into Hydra" for name in cfg.hydra.callbacks])
    raise_problems([f"{key}: Hydra reads no such key" for key in added if _is_unknown_to_hydra(key)])
    raise_problems(line for kind in PLUGINS for line in _unread_by_plugin(cfg, kind))
    with open_dict(cfg):
        del cfg["hydra"]
    raise_problems(unread_additions(cfg, added))
    expand_home(cfg)
    return cfg


def _is_unknown_to_hydra(key: str) -> bool:
    top, _, rest = key.partition(".")
    return top == "hydra" and rest.partition(".")[0] not in HydraConf.__dataclass_fields__


def _unread_by_plugin(cfg: DictConfig, kind: str) -> list[str]:
    """Keys of Hydra's launcher or sweeper that the chosen one does not take."""
    from hydra.utils import get_object

    node = cfg.hydra.get(kind)
    if node is None or "_target_" not in node:
        return [f"hydra/{kind}={node}: must be one of Hydra's, such as {PLUGINS[kind]}"]
    names = arguments_of(get_object(node._target_))
    return [
        f"hydra.{kind}.{key}: this {kind} ({node._target_.rpartition('.')[2]}) takes no {key}; choose another, such as "
        f"{PLUGINS[kind]}"
        for key in node
        if names is not None and not key.startswith("_") and key not in names
    ]


def _explain(message: str, overrides: Sequence[str], config_dir: str | None) -> str:
    """Hydra's message, and for a key that does not exist the keys that do in the recipe that is asked for."""
    if missing := re.search(r"Could not load '([^']+)/([^'/]+)'", message):  # one of several, logger=[csv,wandbb]
        return _explain_choice(missing[1], missing[2], _choices(missing[1]))
    if "Got NoneType" in message:
        return "\n".join(_no_choice(overrides, "null")) or message
    if choice := re.search(r"Could not find '(.+)/([^'/]*)'\s+Available options", message):
        listed = re.findall(r"\n\t(\S+)", message.split("\nConfig search path")[0])
        return _explain_choice(choice[1], choice[2], listed)
    unknown = re.match(r"Could not override '([^']+)'", message)
    if not unknown:
        return "; ".join(line.strip() for line in message.split("\nConfig search path")[0].splitlines() if line.strip())
    key = unknown[1]
    kind = key.split(".")[1] if key.startswith("hydra.") and "." in key else None
    if kind in PLUGINS:
        return f"{key}: no such key of the {kind}; another one may have it, chosen by {PLUGINS[kind]}"
    other_overrides = [override for override in overrides if _key_of(override) != key]
    if len(other_overrides) == len(overrides):
        return message.split("\n")[0]
    return _explain_unknown(key, composed(other_overrides, config_dir))


def _no_choice(overrides: Sequence[str], value: str) -> list[str]:
    """A line for each group that is given no name, but null or [] instead."""
    groups = [_key_of(override) for override in overrides if override.endswith(f"={value}")]
    return [f"{group}={value}: must name one of {', '.join(names)}" for group in groups if (names := _choices(group))]


def _choices(group: str) -> list[str]:
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


def _explain_choice(group: str, choice: str, listed: Sequence[str]) -> str:
    """One line on a file of conf/ that does not exist: the nearest one, and all that there are."""
    names = [name for name in listed if not name.startswith("_")]
    near = difflib.get_close_matches(choice.lower(), names, n=1)
    hint = f"did you mean {group}={near[0]}? " if near else ""
    return f"{group}={choice}: no such choice; {hint}there are {', '.join(names)}"


def _explain_unknown(key: str, cfg: DictConfig) -> str:
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(cfg, parent) if parent else cfg
    if node is None and not exists(cfg, parent):
        return _explain_unknown(parent, cfg)
    if not isinstance(node, DictConfig):
        return f"{key}: no such key; {parent} is {'null' if node is None else node} in this recipe"
    names = sorted(str(child) for child in node if not str(child).startswith("_"))
    groups = [] if parent else [folder.name for folder in conf_dir().iterdir() if folder.is_dir()]
    near = difflib.get_close_matches(name, {*names, *groups}, n=1)
    prefix = f"{parent}." if parent else ""
    hint = f"; did you mean {prefix}{near[0]}?" if near else ";"
    added = f"; a new one is added with +{key}=…" if parent in OPEN else ""
    return f"{key}: no such key{hint} {parent or 'the config'} has {', '.join(names)}{added}"


def _key_of(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def expand_home(node: DictConfig | ListConfig) -> None:
    """Write out `~` in every path that a config holds, in place."""
    keys = list(node) if isinstance(node, DictConfig) else range(len(node))
    for key in keys:
        if OmegaConf.is_interpolation(node, key) or OmegaConf.is_missing(node, key):
            continue
        value = node[key]
        if isinstance(value, DictConfig | ListConfig):
            expand_home(value)
        elif isinstance(value, str) and (value == "~" or value.startswith("~/")):
            node[key] = str(with_home(value))
