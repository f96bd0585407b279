"""Read weight files without executing anything, and say in plain words what a file is that cannot be read so."""

import os
import pickle
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vtryon.utils.file_kind import HEAD, file_kind

NESTED = ("state_dict", "model_state_dict", "model", "net", "weights", "params")  # where training scripts put weights
WRAPPERS = ("", "module.", "net.", "_orig_mod.", "model.")  # names before the weights' own, the likeliest first
COUNTERS = "num_batches_tracked"  # steps that a norm has seen: no weight, and files of old torch have none
PICKLED = (b"PK\x03\x04", b"\x80\x02")  # torch's files of today and of before version 1.6

PathLike = str | os.PathLike


class CheckpointError(ValueError):
    """A weight file that is absent, unreadable, unsafe, or not of this network."""


def read_pth(path: PathLike) -> dict[str, Tensor]:
    """The weights in a PyTorch file by name: a bare state_dict, or one within a checkpoint beside other things.

    Raises:
        CheckpointError: no such file, not a readable one, or weights that cannot be told from others in it.
    """
    content = load_pickled(path)
    if _is_state_dict(content):
        return dict(content)
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise CheckpointError(f"{path}: expected a state_dict (names to tensors), got {kind}; {_how_to_save()}")
    inner = {key: value for key, value in content.items() if value and _is_state_dict(value)}
    named = [key for key in NESTED if key in inner] or list(inner)
    if len(named) != 1 and named[:1] != ["state_dict"]:
        held = f"several: {', '.join(map(str, named))}" if named else f"none, but {shortened([*map(str, content)], 6)}"
        raise CheckpointError(f"{path}: expected a state_dict (names to tensors), it holds {held}; {_how_to_save()}")
    return dict(inner[named[0]])


def load_pickled(path: PathLike, map_location: Any = "cpu") -> Any:
    """What `torch.load` reads without executing what a pickle may carry.

    Raises:
        CheckpointError: in words of our own, as torch's advise to switch the protection off.
    """
    must_exist(path)
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged file fails in a dozen ways, from IndexError to struct.error
        _refuse_other_kind(path)
        raise CheckpointError(f"{path}: {_why_unreadable(error)}") from error


def read_safetensors(path: PathLike) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The header's texts and the weights of a safetensors file.

    Raises:
        CheckpointError: no such file, or another kind of file.
    """
    must_exist(path)
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no dict)
    except (SafetensorError, OSError) as error:
        _refuse_other_kind(path)
        if is_pickled(path):
            raise CheckpointError(f"{path}: {_pickled_instead(Path(path))}") from error
        raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error


def is_pickled(path: PathLike) -> bool:
    """Whether a file begins as PyTorch's do."""
    with Path(path).open("rb") as file:
        return file.read(HEAD).startswith(PICKLED)


def without_wrappers(weights: Mapping[str, Tensor], names: Collection[str]) -> dict[str, Tensor]:
    """The weights by the names that a network has for them, whatever DataParallel, Lightning or others put before.

    Weights of other parts, such as a Lightning module's loss, are left out where the network's have a prefix.

    Args:
        names: the network's own.

    Example:
        >>> weights = {"module.a.weight": torch.zeros(1), "other": torch.ones(1)}
        >>> without_wrappers(weights, ["a.weight", "b"])
        {'a.weight': tensor([0.])}
    """
    names, prefixes = set(names), Counter()
    for key in weights:
        offsets = [0, *(match.end() for match in re.finditer(r"\.", key))]
        prefixes.update(key[:offset] for offset in offsets if key[offset:] in names)
    if not prefixes:
        return dict(weights)
    most = max(prefixes.values())
    complete = [prefix for prefix, count in prefixes.items() if count == most]
    prefix = next((likely for likely in WRAPPERS if likely in complete), complete[0])
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


def must_exist(path: PathLike) -> None:
    """
    Raises:
        CheckpointError: there is no such file.
    """
    if not Path(path).is_file():
        raise CheckpointError(f"{path}: no such weight file; give the path of a trained network")


def _is_state_dict(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and isinstance(child, Tensor) for key, child in value.items()
    )


def _why_unreadable(error: Exception) -> str:
    message = str(error)
    if "TorchScript" in message:
        return f"refused, it is a TorchScript program, not weights; {_how_to_save('torch.jit.load(FILE)')}"
    unknown = re.search(r"GLOBAL (\S+)", message)
    if unknown:
        reason = f"it holds more than tensors, a pickled {unknown[1]}, and reading that would run code"
        return f"refused, {reason}; {_how_to_save()}"
    if isinstance(error, pickle.UnpicklingError):
        return f"refused, it holds more than tensors or is damaged; copy it again, or {_how_to_save()}"
    return f"not a readable PyTorch file ({message.splitlines()[0] if message else type(error).__name__})"


def _how_to_save(model: str = "model") -> str:
    return f"where it was made, save the weights alone: torch.save({model}.state_dict(), FILE)"


def _pickled_instead(path: Path) -> str:
    """Words for a PyTorch file given where one of ours is needed, which also tells the network's widths."""
    finished = path.parent.parent / "model.safetensors"
    remedy = f"give {finished}" if finished.is_file() else "give the RUN/model.safetensors that a finished run leaves"
    if path.suffix == ".ckpt":
        return f"a checkpoint of a training, which tells no widths; {remedy}, or go on with ckpt_path={path}"
    released = "released weights come in two files, --warp W.pth --generator G.pth, or model=official in a config"
    return f"a PyTorch file, which tells no widths; {remedy}; {released}"


def _refuse_other_kind(path: PathLike) -> None:
    """Name what lies under a weight file's name and could not be read, such as a git-LFS pointer or a web page."""
    with Path(path).open("rb") as file:
        kind = file_kind(file.read(HEAD))
    if kind is not None:
        raise CheckpointError(f"{path}: no weight file but {kind.name}; {kind.remedy}")


def shortened(keys: Sequence[str], most: int = 3) -> str:
    """The first keys, and how many more there are."""
    return ", ".join(keys[:most]) + (f" and {len(keys) - most} more" if len(keys) > most else "")
