"""Networks on disk: the released PF-AFN files, and our own (architecture and safetensors in one file, no pickle)."""

import json
from collections.abc import Iterable
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vtryon.models.afwm import AFWM
from vtryon.models.architecture import differing, resize
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.quantized.network import Int8TryOnNet, storage_type
from vtryon.models.quantized.policy import Int8Policy
from vtryon.models.quantized.storage import pack, unpack
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.models.weight_files import (
    COUNTERS,
    CheckpointError,
    PathLike,
    is_pickled,
    must_exist,
    read_pth,
    read_safetensors,
    shortened,
    without_wrappers,
)
from vtryon.utils.atomic import atomic_write

ROLES = {  # network, channels that the warp sees of the person, channels that the generator sees
    "student": (TryOnNet, 3, 7),
    "tutor": (TutorNet, 45, 8),
}
NETWORKS = {net.__name__: net for net, _, _ in ROLES.values()}
RELEASED_DATA = "VITON"  # on which the released weights were trained
# the released training code registers its fixed second-difference kernels as a weight when it first runs
SURPLUS = {"aflow_net.weight"}


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
    net.trained_on = {"name": RELEASED_DATA}
    return net.eval()


def save_official(net: TryOnNet, warp_path: PathLike, generator_path: PathLike) -> None:
    """Write the released layout: one bare state_dict for the warp, one for the generator."""
    for subnetwork, path in ((net.warp, warp_path), (net.generator, generator_path)):
        with atomic_write(path) as temporary:
            torch.save(
                {key: value.detach().cpu() for key, value in subnetwork.state_dict().items()},
                temporary,
            )


def save_net(net: TryOnNet, path: PathLike) -> None:
    """Write the network as safetensors with its architecture in the header, a pruned one with its layers' widths.

    The header also holds `net.trained_on`, if that is known, and the widths that a supernet holds.
    """
    if isinstance(net, Int8TryOnNet):
        chosen = {"scope": net.policy.scope, "keep_float": list(net.policy.keep_float)}
        architecture = net.architecture | {"int8": chosen}
        weights = pack(net)
    else:
        architecture = architecture_of(net)
        narrow = storage_type(net)
        weights = {
            key: value.detach().cpu().to(narrow if value.is_floating_point() else None).contiguous()
            for key, value in net.state_dict().items()
        }
    metadata = {"vtryon": json.dumps(architecture)}
    if net.trained_on is not None:
        metadata["data"] = json.dumps(net.trained_on)
    if net.held_widths is not None:
        metadata["supernet"] = json.dumps(net.held_widths)
    with atomic_write(path) as temporary:
        save_file(weights, temporary, metadata=metadata)


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
    """The float network that was quantized, without its weights: on torch's meta device, to be counted."""
    with torch.device("meta"):
        return _shaped(net.architecture)


def load_net(path: PathLike) -> TryOnNet:
    """Rebuild what `save_net` wrote: a TryOnNet, a TutorNet or an Int8TryOnNet, in eval mode."""
    header, weights = _read_ours(path)
    architecture = header.architecture
    try:
        net = _shaped(architecture)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: its architecture {architecture} is not one of {sorted(NETWORKS)}") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: its {error}") from error
    net.trained_on, net.held_widths = header.trained_on, header.held_widths
    if "int8" in architecture:
        return _unpacked(net, architecture, weights, path)
    fill(net, weights, path)
    return net.eval()


def _unpacked(net: TryOnNet, architecture: dict, weights: dict[str, Tensor], path: PathLike) -> Int8TryOnNet:
    chosen = architecture.pop("int8")
    try:
        net = unpack(net, Int8Policy(**chosen), weights)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: its int8 part {chosen} does not fit: {error}") from error
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

    The file is one of ours, or a PyTorch checkpoint whose weights have the network's names and shapes. PF-AFN's third
    stage takes "warp." and leaves "cond_" and "aflow_net.netRefine", which it learns anew.
    """
    take, leave = tuple(take), tuple(leave)
    must_exist(path)
    weights = read_pth(path) if is_pickled(path) else _read_ours(path)[1]
    taken = [key for key in net.state_dict() if key.startswith(take)]
    chosen = {key for key in taken if not any(fragment in key for fragment in leave)}
    if not chosen:
        raise CheckpointError(f"take (={list(take)}) and leave (={list(leave)}) choose no weight of the network")
    fill(net, weights, path, only=chosen)


def fill(
    module: nn.Module,
    weights: dict[str, Tensor],
    path: PathLike,
    only: set[str] | None = None,
) -> None:
    """Load `weights` strictly, every key in its shape and finite; with `only`, those keys and no others.

    What wrappers put before the names goes, and counters of batches may be absent.
    """
    module_weights = module.state_dict()
    weights = without_wrappers(weights, module_weights)
    loaded_keys = [key for key in module_weights if only is None or key in only]
    missing = [key for key in loaded_keys if key not in weights and not key.endswith(COUNTERS)]
    if missing:
        raise CheckpointError(f"{path}: lacks {shortened(missing)}; is it the file of another network?")
    loaded_keys = [key for key in loaded_keys if key in weights]
    surplus = [key for key in weights if key not in module_weights and key not in SURPLUS]
    if only is None and surplus:
        raise CheckpointError(f"{path}: holds {shortened(surplus)}, which this network has not")
    for key in loaded_keys:
        if weights[key].shape != module_weights[key].shape:
            shapes = f"{tuple(weights[key].shape)}, the network wants {tuple(module_weights[key].shape)}"
            raise CheckpointError(f"{path}: {key} has shape {shapes}; the widths must be those of the file")
    broken = [key for key in loaded_keys if weights[key].is_floating_point() and not torch.isfinite(weights[key]).all()]
    if broken:
        remedy = "such a network paints grey; take the checkpoint before the one that diverged"
        raise CheckpointError(f"{path}: {shortened(broken)} holds NaN or infinity; {remedy}")
    module.load_state_dict(module_weights | {key: weights[key] for key in loaded_keys})


class _Header(NamedTuple):
    architecture: dict
    trained_on: dict[str, str] | None  # absent from files of before this was written
    held_widths: dict[str, list] | None  # of a supernet


def _read_ours(path: PathLike) -> tuple[_Header, dict[str, Tensor]]:
    metadata, weights = read_safetensors(path)
    try:
        header = _Header(
            json.loads(metadata["vtryon"]),
            json.loads(metadata.get("data", "null")),
            json.loads(metadata.get("supernet", "null")),
        )
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: its header names no vtryon architecture; was it written by vtryon?") from error
    if not isinstance(header.trained_on, dict | None):
        raise CheckpointError(f"{path}: its header's data (={header.trained_on}) must be a name and a fingerprint")
    return header, weights
