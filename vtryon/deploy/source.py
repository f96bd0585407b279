"""The network that a user names by a run's folder or by released weights, its picture size and its training data."""

from pathlib import Path

import torch

from vtryon.models.checkpoint import load_net, load_official
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.models.weight_files import CheckpointError, read_pth
from vtryon.utils.run_facts import facts_of, warp_alone

RELEASED_SIZE = (256, 192)  # of PF-AFN's weights


def open_net(
    run: Path | None = None,
    warp: Path | None = None,
    generator: Path | None = None,
    size: tuple[int, int] | None = None,
    device: str = "auto",
) -> tuple[TryOnNet, tuple[int, int]]:
    """A network in eval mode on `device` and its (height, width); `size` overrides the one it was trained at.

    Args:
        run: folder of a finished run, or a file of weights that has its card beside it (`vtryon.deploy.weights`).
        warp: released weights of the warp, together with `generator`.

    Raises:
        ValueError: not one network is named, or it cannot dress a photo.
    """
    if (run is None) == (warp is None and generator is None):
        raise ValueError("name one network: either --run DIR, or --warp W.pth together with --generator G.pth")
    if run is None and (warp is None or generator is None):
        raise ValueError("--warp and --generator belong together; one of them is missing")
    size = size or (RELEASED_SIZE if run is None else _trained_size(run))
    if any(length < 32 or length % 32 for length in size):
        raise ValueError(f"size={size[0]} {size[1]}: height and width must be multiples of 32")
    net = _load_run(run) if run is not None else _load_released(warp, generator)
    return net.eval().to(_device(device)), size


def _load_run(run: Path) -> TryOnNet:
    if unfit := warp_alone(run):
        raise CheckpointError(f"{run}: {unfit}")
    net = load_net(run / "model.safetensors" if run.is_dir() else run)
    if isinstance(net, TutorNet):
        raise CheckpointError(f"{run}: {_tutor_text()}")
    return net


def _load_released(warp: Path, generator: Path) -> TryOnNet:
    try:
        return load_official(warp, generator, role="student")
    except CheckpointError as error:
        first = read_pth(warp).get("cond_features.encoders.0.0.block.0.weight")
        if first is not None and len(first) == 45:
            raise CheckpointError(f"{warp}: {_tutor_text()}") from error
        raise


def _tutor_text() -> str:
    return "holds a tutor, which needs a parser's maps of the person; try-on from a photo needs a student"


def _trained_size(run: Path) -> tuple[int, int]:
    if not run.exists():
        raise FileNotFoundError(f"{run}: no such folder; --run wants the folder of a finished run, or a weight file")
    try:
        height, width = facts_of(run)["size"]
    except (ValueError, KeyError, TypeError) as error:
        file = run / "row.json" if run.is_dir() else run.with_suffix(".json")
        raise ValueError(f'{file}: tells no "size": [height, width]; give it with --size') from error
    return int(height), int(width)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise ValueError(f"device={name!r} cannot be used here; try auto or cpu") from error
    return torch.device(name)
