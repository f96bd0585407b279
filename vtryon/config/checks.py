"""What a config refers to: files of earlier stages, folders that are written, and keys that nothing would read."""

import difflib
import inspect
import json
import os
import re
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from vtryon.utils.home import with_home
from vtryon.utils.run_facts import warp_alone

# keys that runs and callbacks read; any other has to be referred to by an interpolation
TOP_LEVEL = {
    *("name", "stage", "profile", "seed", "tags", "notes", "fixed", "sweep", "varied", "inception", "alexnet"),
    *("paths", "parents", "data", "model", "perceptual", "compression", "optimizer", "training", "init"),
    *("analysis", "callbacks", "trainer", "logger", "beside", "objective", "target", "photo", "width", "reduction"),
    *("ladder", "ladder_held", "supernet", "budget", "chain", "lessons", "threads", "ckpt_path", "print_config"),
}
READ_WHOLE = ("beside", "chain", "sweep", "hydra")  # whatever is in them is read
TRACKERS = "vtryon.callbacks.trackers."
PART = "*"  # a part of a key that another key gives
NETWORKS = {  # of a parent's role → class names in the file's header, and what they are called
    "tutor": (("TutorNet",), "a tutor"),
    "teacher": (("TryOnNet",), "a student"),
}
DRESSING = (*NETWORKS, "net")  # roles whose generator is asked, so that it must have learnt


def unusable_parents(cfg: DictConfig) -> list[str]:
    """A line for each file of an earlier stage that does not exist, or holds another kind of network."""
    problems = []
    for role, path in cfg.parents.items():
        file = with_home(str(path))
        if _is_there(file.is_file):
            problems += _wrong_network(role, file) or _untrained_generator(cfg, role, file)
        elif path is not None and _is_there(file.is_dir):
            problems.append(f"parents.{role}={path}: is a folder; give parents.{role}={path}/model.safetensors")
        else:
            problems.append(
                f"parents.{role}={'null' if path is None else path}: no such file; run the stage before this one "
                f"(`vtryon train` runs them all), or give parents.{role}=RUN/model.safetensors"
            )
    return problems


def _is_there(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except (OSError, ValueError):  # a name that the file system cannot have
        return False


def _wrong_network(role: str, file: Path) -> list[str]:
    if role not in NETWORKS:
        return []
    classes, needed = NETWORKS[role]
    network = network_of(file)
    if network is None or network in classes:
        return []
    kind = "a tutor" if network == "TutorNet" else "a student"
    return [f"parents.{role}={file}: holds {kind}'s network ({network}), and {needed}'s is needed"]


def _untrained_generator(cfg: DictConfig, role: str, file: Path) -> list[str]:
    warps_only = str(cfg.model.get("_target_")).endswith("WarpPaste")
    unfit = warp_alone(file) if role in DRESSING and not (role == "net" and warps_only) else None
    return [f"parents.{role}={file}: {unfit}"] if unfit else []


def network_of(file: Path) -> str | None:
    """The class of the network in one of our files, by its header alone; None where the header does not tell."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length)) if length < 2**26 else {}
        return json.loads(header["__metadata__"]["vtryon"])["network"]
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return None  # loading it will say what it is


def unwritable_folders(cfg: DictConfig) -> list[str]:
    """A line for the run's folder if it cannot be made or written."""
    try:
        folder = with_home(str(cfg.paths.run)).absolute()
        existing = next(path for path in (folder, *folder.parents) if path.exists())
    except (OSError, ValueError) as error:
        return [f"paths.run={cfg.paths.run}: cannot be a folder ({error}); give paths.run=DIR"]
    if not existing.is_dir():
        return [f"paths.run={cfg.paths.run}: {existing} is a file; give paths.run=DIR"]
    if not _is_writable(existing):
        remedy = "give paths.run=DIR, or set VTRYON_RUNS=DIR; of a chain of stages give --runs DIR"
        return [f"paths.run: {existing} cannot be written; {remedy}"]  # one line, however many stages would lie there
    return []


def absent_trackers(cfg: DictConfig) -> list[str]:
    """A line for each tracker whose package is not installed; the module of a tracker has the package's name."""
    problems = []
    for name, node in cfg.logger.items():
        target = "" if node is None else str(node.get("_target_"))
        package = target.split(".")[-2] if target.startswith(TRACKERS) else ""
        if package and find_spec(package) is None:
            problems.append(f'logger={name}: {package} is not installed; pip install "vtryon[trackers]"')
    return problems


def _is_writable(folder: Path) -> bool:
    """Whether something can be put into a folder; to root every folder seems so, until it is tried."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    try:
        tempfile.TemporaryDirectory(prefix=".vtryon-", dir=folder).cleanup()
    except OSError:
        return False
    return True


def unread_keys(cfg: DictConfig) -> list[str]:
    """A line for each top-level key, and each parent, that neither the code nor another key reads."""
    references = set(_references(OmegaConf.to_container(cfg, resolve=False)))
    tops = {reference.partition(".")[0] for reference in references}
    problems = [
        f"{key}: nothing reads this key; others are {', '.join(sorted(TOP_LEVEL & set(map(str, cfg))))}"
        for key in map(str, cfg)
        if key not in TOP_LEVEL | tops
    ]
    for role in cfg.parents:
        if f"parents.{role}" not in references:
            roles = ", ".join(sorted(name.partition(".")[2] for name in references if name.startswith("parents.")))
            problems.append(f"parents.{role}: no network of this run is read from it; it reads {roles or 'none'}")
    return problems


def unread_additions(cfg: DictConfig, keys: Iterable[str]) -> list[str]:
    """A line for each dotted key that a command line added (`+a.b=1`) and that neither code nor another key reads.

    What lies below a `_target_` is an argument; `unread_arguments` knows whether the target takes it.
    """
    config = OmegaConf.to_container(cfg, resolve=False)
    references = [re.compile(re.escape(name).replace(re.escape(PART), r"[^.]+")) for name in _references(config)]
    problems = []
    leaves = [leaf for key in keys for leaf in _leaves(config, key)]
    for key in leaves:
        top, *rest = key.split(".")
        if rest and top not in (*READ_WHOLE, "parents") and not _below_target(config, key):
            prefixes = [".".join([top, *rest[:length]]) for length in range(len(rest) + 1)]
            if not any(reference.fullmatch(prefix) for reference in references for prefix in prefixes):
                problems.append(f"{key}: nothing reads this key; write it without + to see which keys there are")
    return problems


def _leaves(config: Any, key: str) -> list[str]:
    """The keys of a config at and below `key` that have no further keys."""
    node = config
    for segment in key.split("."):
        node = node.get(segment) if isinstance(node, dict) else None
    return [leaf for name in node for leaf in _leaves(config, f"{key}.{name}")] if isinstance(node, dict) else [key]


def _below_target(config: Any, key: str) -> bool:
    for segment in key.split("."):
        if not isinstance(config, dict):
            return False
        if "_target_" in config:
            return True
        config = config.get(segment)
    return isinstance(config, dict) and "_target_" in config


def _references(node: Any) -> Iterator[str]:
    """Keys that interpolations name; `${budget.${stage}.lr}` names `stage` and `budget.*.lr`."""
    if isinstance(node, dict):
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)
    elif isinstance(node, str):
        while innermost := re.search(r"\$\{([^${}]*)\}", node):
            yield innermost[1]
            node = node[: innermost.start()] + PART + node[innermost.end() :]


def unread_arguments(cfg: DictConfig) -> list[str]:
    """A line for each key that the target of its node does not take. Imports the targets."""
    return list(_unread_arguments(OmegaConf.to_container(cfg, resolve=True), ""))


def _unread_arguments(node: Any, path: str) -> Iterator[str]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from _unread_arguments(child, f"{path}.{key}" if path else str(key))
    if isinstance(node, dict) and isinstance(node.get("_target_"), str):
        target = get_object(node["_target_"])
        names = arguments_of(target)
        for key in node:
            if names is not None and not str(key).startswith("_") and key not in names:
                name = getattr(target, "__qualname__", target)
                near = difflib.get_close_matches(str(key), names, n=3) or sorted(names)[:15]
                yield f"{path}.{key}: {name} takes no {key}; it takes {', '.join(near)}"


def arguments_of(target: Any) -> set[str] | None:
    """Names of the arguments that a callable takes, with those of its base class where it passes others on.

    A class that passes them on elsewhere, as a tracker does to `wandb.init`, has a method `arguments` with their names.

    Returns:
        None where the signature does not tell.
    """
    if hasattr(target, "arguments"):
        return target.arguments()
    names: set[str] = set()
    for callable_ in (target, *getattr(target, "__mro__", ())[1:2]):
        try:
            parameters = inspect.signature(callable_).parameters.values()
        except (TypeError, ValueError):  # built in
            return None
        named = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD}
        if callable_ is not target and not named:  # nothing goes to the base class, so that it goes elsewhere
            return None
        names |= named
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return names
    return None
