"""Weights on disk: the released PF-AFN files, and our own (architecture and safetensors in one file, no pickle)."""

import json
import os
import pickle
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vtryon.nn.afwm import AFWM
from vtryon.nn.architecture import differing, resize
from vtryon.nn.atomic import atomic_write
from vtryon.nn.generator import ResUnetGenerator
from vtryon.nn.quantised import Int8TryOnNet, storage_of
from vtryon.nn.quantised_saved import packed, restored
from vtryon.nn.tryon import TryOnNet, TutorNet

ROLES = {  # network, channels that the warp sees of the person, channels that the generator sees
    "student": (TryOnNet, 3, 7),
    "tutor": (TutorNet, 45, 8),
}
NETWORKS = {net.__name__: net for net, _, _ in ROLES.values()}
# the released training code registers its fixed second-difference kernels as a weight when it first runs
SURPLUS = {"aflow_net.weight"}

PathLike = str | os.PathLike


class CheckpointError(ValueError):
    """A weight file that is absent, unreadable, unsafe, or not of this network."""


def load_official(warp_path: PathLike, generator_path: PathLike, role: str = "student") -> TryOnNet:
    """The released `.pth` pair as a full-width network; `role` is "student" (PF-AFN) or "tutor" (PB-AFN).

    Both the legacy and the zip format are read, never with code execution. Every key must be there in its shape.

    Raises:
        CheckpointError: naming the file and the key.
    """
    if role not in ROLES:
        raise ValueError(f"role (={role!r}) must be one of {sorted(ROLES)}")
    net_class, cond_channels, in_channels = ROLES[role]
    net = net_class(AFWM(cond_channels), ResUnetGenerator(in_channels))
    fill(net.warp, read_pth(warp_path), warp_path)
    fill(net.generator, read_pth(generator_path), generator_path)
    return net.eval()


def save_official(net: TryOnNet, warp_path: PathLike, generator_path: PathLike) -> None:
    """Write the released layout: one bare state_dict for the warp, one for the generator."""
    for part, path in ((net.warp, warp_path), (net.generator, generator_path)):
        with atomic_write(path) as temporary:
            torch.save(
                {key: value.detach().cpu() for key, value in part.state_dict().items()},
                temporary,
            )


def save_net(net: TryOnNet, path: PathLike) -> None:
    """Write the network as safetensors with its architecture in the header, a pruned one with its layers' widths."""
    if isinstance(net, Int8TryOnNet):
        architecture = net.architecture | {"int8": {"scope": net.scope, "keep_float": list(net.keep_float)}}
        weights = packed(net)
    else:
        architecture = architecture_of(net)
        narrow = storage_of(net)
        weights = {
            key: value.detach().cpu().to(narrow if value.is_floating_point() else None).contiguous()
            for key, value in net.state_dict().items()
        }
    with atomic_write(path) as temporary:
        save_file(weights, temporary, metadata={"vtryon": json.dumps(architecture)})


def architecture_of(net: TryOnNet) -> dict:
    """All that rebuilds a float network but its weights, as plain JSON."""
    architecture = {
        "network": type(net).__name__,
        "warp": net.warp.architecture,
        "generator": net.generator.architecture,
    }
    with torch.device("meta"):
        pruned = differing(net, _build(architecture))
    return architecture | ({"widths": pruned} if pruned else {})


def float_twin(net: Int8TryOnNet) -> TryOnNet:
    """The float network that was quantised, without its weights: on torch's meta device, to be counted."""
    with torch.device("meta"):
        return _shaped(net.architecture)


def load_net(path: PathLike) -> TryOnNet:
    """Rebuild what `save_net` wrote: a TryOnNet, a TutorNet or an Int8TryOnNet, in eval mode."""
    architecture, weights = _read_safetensors(path)
    try:
        net = _shaped(architecture)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: its architecture {architecture} is not one of {sorted(NETWORKS)}") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: its {error}") from error
    if "int8" in architecture:
        return _restored(net, architecture, weights, path)
    fill(net, weights, path)
    return net.eval()


def _restored(net: TryOnNet, architecture: dict, weights: dict[str, Tensor], path: PathLike) -> Int8TryOnNet:
    said = architecture.pop("int8")
    try:
        net = restored(net, **said, tensors=weights)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: its int8 part {said} does not fit: {error}") from error
    net.architecture = architecture
    return net


def _shaped(architecture: dict) -> TryOnNet:
    net = _build(architecture)
    resize(net, architecture.get("widths", {}))
    return net


def _build(architecture: dict) -> TryOnNet:
    net_class = NETWORKS[architecture["network"]]
    return net_class(AFWM(**architecture["warp"]), ResUnetGenerator(**architecture["generator"]))


def start_from(net: TryOnNet, path: PathLike, take: Iterable[str], leave: Iterable[str] = ()) -> None:
    """Copy weights of an earlier network into `net`: the keys that start with one of `take` but hold none of `leave`.

    PF-AFN's third stage takes "warp." and leaves "cond_" and "aflow_net.netRefine", which it learns anew.
    """
    take, leave = tuple(take), tuple(leave)
    _, weights = _read_safetensors(path)
    chosen = {key for key in net.state_dict() if key.startswith(take) and not any(word in key for word in leave)}
    if not chosen:
        raise CheckpointError(f"take (={list(take)}) and leave (={list(leave)}) choose no weight of the network")
    fill(net, weights, path, only=chosen)


def fill(
    part: nn.Module,
    weights: dict[str, Tensor],
    path: PathLike,
    only: set[str] | None = None,
) -> None:
    """Load `weights` strictly, every key in its shape; with `only`, those keys and no others."""
    own = part.state_dict()
    wanted = [key for key in own if only is None or key in only]
    missing = [key for key in wanted if key not in weights]
    if missing:
        raise CheckpointError(f"{path}: lacks {_some(missing)}; is it the file of another network?")
    surplus = [key for key in weights if key not in own and key not in SURPLUS]
    if only is None and surplus:
        raise CheckpointError(f"{path}: holds {_some(surplus)}, which this network has not")
    for key in wanted:
        if weights[key].shape != own[key].shape:
            shapes = f"{tuple(weights[key].shape)}, the network wants {tuple(own[key].shape)}"
            raise CheckpointError(f"{path}: {key} has shape {shapes}; the widths must be those of the file")
    part.load_state_dict({key: weights[key] for key in wanted}, strict=only is None)


def read_pth(path: PathLike) -> dict[str, Tensor]:
    """A bare state_dict, legacy or zip, without executing what a pickle may carry."""
    _must_exist(path)
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).split("\n")[0]
        raise CheckpointError(f"{path}: refused, it holds more than tensors or is damaged ({reason})") from error
    except Exception as error:  # a damaged file fails in a dozen ways, from IndexError to struct.error
        raise CheckpointError(f"{path}: not a readable PyTorch file ({error})") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(f"{path}: expected a bare state_dict (names to tensors), got {type(weights).__name__}")
    return weights


def _read_safetensors(path: PathLike) -> tuple[dict, dict[str, Tensor]]:
    _must_exist(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error
    try:
        return json.loads(metadata["vtryon"]), weights
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: its header names no vtryon architecture; was it written by vtryon?") from error


def _must_exist(path: PathLike) -> None:
    if not Path(path).is_file():
        raise CheckpointError(f"{path}: no such weight file; give the path of a trained network")


def _some(keys: list[str], most: int = 3) -> str:
    return ", ".join(keys[:most]) + (f" and {len(keys) - most} more" if len(keys) > most else "")
