"""The networks that the app offers, and one try-on by each with everything that is shown of it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from vtryon.data.cloth_mask import garment_mask
from vtryon.data.files.fingerprint import training_notice
from vtryon.deploy.api import DEMO, WEIGHTS
from vtryon.deploy.in_torch import pictures, tensors
from vtryon.deploy.photo import read_photo
from vtryon.deploy.source import open_net
from vtryon.deploy.tryon import prepare
from vtryon.deploy.weights import WeightsMissingError, available
from vtryon.metrics.cost import cost
from vtryon.models.inference import quick
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.utils.latency import latency
from vtryon.utils.run_facts import facts_of

RUNS = (*DEMO, "demo/distill")  # that are looked for, below the folder of all runs
CARD = (
    *("name", "learnt_from", "licence", "stage", "profile", "seed", "size", "steps", "epochs", "compression"),
    *("varied", "fingerprint", "protocol", "scores", "commit", "config_hash", "date"),
)  # of a run's row, or of the card of a weight file


class Cost(NamedTuple):
    """Of one try-on."""

    ms: float  # of the network alone, this call
    mib: float  # of the weights as they lie on the disk
    gmacs: float


class Dressed(NamedTuple):
    """A try-on, and how the network came to it; pictures are RGB or grey in 0..255."""

    image: UInt8[np.ndarray, "h w 3"]  # the person in the garment, in the photo's size
    warped_cloth: UInt8[np.ndarray, "H W 3"]  # in the network's size
    mask: UInt8[np.ndarray, "H W"]  # white takes the warped garment, black what the network painted
    changed: UInt8[np.ndarray, "h w 3"]  # what differs from the photo: the brighter the more
    cost: Cost


class Garment(NamedTuple):
    """A garment's photo and its mask, white on black."""

    image: UInt8[np.ndarray, "h w 3"]
    mask: UInt8[np.ndarray, "h w"]


class Network:
    """A network ready to dress photos.

    Args:
        path: folder of a finished run, or a weight file beside its card.
        device: auto, cpu or cuda.

    Raises:
        ValueError: it cannot be read, or cannot dress a photo.
    """

    def __init__(self, path: Path, device: str = "auto"):
        net, self.size = open_net(path, device=device)
        self.device = next(net.parameters()).device
        self.notice = training_notice(net.trained_on)
        self.gmacs = cost(net, self.size)["gmacs"]
        file = path / WEIGHTS if path.is_dir() else path
        self.mib = file.stat().st_size / 2**20
        facts = facts_of(path)
        self.card = {key: facts[key] for key in CARD if facts.get(key) not in (None, {}, [])}
        self.net = net if isinstance(net, Int8TryOnNet) else quick(net)
        blank = np.full((*self.size, 3), 255, np.uint8)
        self.dress(blank, Garment(blank, blank[..., 0]))  # the first call compiles and allocates: it is not timed

    @torch.inference_mode()
    def dress(self, person: UInt8[np.ndarray, "h w 3"], garment: Garment) -> Dressed:
        """The person, RGB of any size, in the garment."""
        pair = prepare(person, garment.image, garment.mask, self.size)
        batch = [tensor.to(self.device, memory_format=torch.channels_last) for tensor in tensors([pair])]
        try_ons = []
        timed = latency(lambda: try_ons.append(self.net(*batch)), warmup=0, repeats=1, device=self.device)
        try_on = try_ons[0]
        image = pair.restore(pictures(try_on.image)[0])
        mask = (try_on.mask[0, 0] * 255).round().byte().cpu().numpy()
        warped = pictures(try_on.warped_cloth)[0]
        return Dressed(image, warped, mask, difference(person, image), Cost(timed.median_ms, self.mib, self.gmacs))


def difference(photo: UInt8[np.ndarray, "h w 3"], image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """What differs between two pictures, largest channel: black where nothing does, then violet, orange, yellow."""
    heat = cv2.applyColorMap(cv2.absdiff(photo, image).max(axis=-1), cv2.COLORMAP_INFERNO)
    return cv2.cvtColor(heat, cv2.COLOR_BGR2RGB)


def read_garment(path: Path) -> Garment:
    """A garment's photo with a mask made from it.

    Raises:
        ValueError: no garment stands out of its backdrop.
    """
    photo = read_photo(path)
    return Garment(photo.image, garment_mask(photo.image, photo.alpha))


def offered(names: Sequence[str] = (), runs: Path | None = None) -> dict[str, Path]:
    """Networks by the name under which the app lists them.

    Args:
        names: folders of runs, weight files, or names that `vtryon weights` lists; () takes all committed weights, the
            default one first, and the demo's runs.
        runs: folder of all runs; by default VTRYON_RUNS, or runs.

    Raises:
        WeightsMissingError: a name that is nothing of these, or nothing is there at all.
    """
    committed = {entry.path.stem: entry.path for entry in available()}
    if names:
        return dict(_named(name, committed) for name in names)
    runs = runs or Path(os.environ.get("VTRYON_RUNS", "runs")).expanduser()
    networks = committed | {run: runs / run for run in RUNS if (runs / run / WEIGHTS).is_file()}
    if not networks:
        raise WeightsMissingError("no network is here: run `vtryon demo` first (minutes), or name a run or weight file")
    return networks


def _named(name: str, committed: dict[str, Path]) -> tuple[str, Path]:
    path = Path(name).expanduser()
    if path.is_dir():
        return "/".join(path.absolute().parts[-2:]), path
    if path.is_file():
        return path.stem, path
    if name in committed:
        return name, committed[name]
    committed_names = ", ".join(committed) or "none"
    raise WeightsMissingError(
        f"{name}: no run's folder, no weight file, and no name of `vtryon weights` ({committed_names})"
    )


def described(network: Network) -> dict[str, Any]:
    """The card of a network as the app shows it."""
    return ({"note": network.notice} if network.notice else {}) | network.card
