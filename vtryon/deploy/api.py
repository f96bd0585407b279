"""The package in two calls: load a network, and show a person in another garment."""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vtryon.data.cloth_mask import garment_mask
from vtryon.data.files.masks import mask_of, read_mask
from vtryon.deploy.in_torch import try_on as dress
from vtryon.deploy.photo import Photo, read_photo
from vtryon.deploy.photo import read_mask as read_mask_file
from vtryon.deploy.source import RELEASED_SIZE
from vtryon.deploy.weights import available
from vtryon.models.checkpoint import load_net
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.models.weight_files import CheckpointError
from vtryon.utils.home import with_home
from vtryon.utils.run_facts import facts_of, warp_alone

WEIGHTS = "model.safetensors"  # in the folder of a run
DEMO = ("demo/student", "small/student_fine", "small/student")  # runs that are looked for, below the folder of all runs

PathLike = str | os.PathLike
Picture = PathLike | Image.Image | np.ndarray


def load(run_or_file: PathLike) -> TryOnNet:
    """A network that a run left, in eval mode on the CPU; its `trained_size` is (height, width) in pixels.

    Its `unfit` says why it cannot dress anybody, where its stage trained the warp alone; else it is None.

    Args:
        run_or_file: folder of a run, or its model.safetensors.

    Raises:
        CheckpointError: there is no such network, or the file holds none of ours.
    """
    path = with_home(run_or_file)
    file = path / WEIGHTS if path.is_dir() else path
    net = load_net(file)
    net.trained_size, net.unfit = _trained_size(path), warp_alone(path)
    return net


def try_on(
    person: Picture,
    cloth: Picture,
    net: TryOnNet | PathLike | None = None,
    edge: Picture | None = None,
    size: tuple[int, int] | None = None,
) -> Image.Image:
    """Show a person in a garment; the result has the size of the person's photo.

    Args:
        person: photo of a person: a file, a PIL image, or an array (h, w, 3) of RGB in 0..255.
        cloth: photo of a garment on a plain backdrop, or with transparency around it.
        net: a network of `load`, or a run; None takes the weights of a checkout, else the student of
            `vtryon demo` in the folder of runs.
        edge: the garment's mask, white on black; made from its photo where it is left out.
        size: (height, width) at which the network works; by default the one it was trained at.

    Raises:
        ValueError: a picture that cannot be read, a network that needs more than a photo, or none at all.

    Example:
        >>> import vtryon
        >>> picture = vtryon.try_on("me.jpg", "shirt.jpg", net="runs/demo/student")  # doctest: +SKIP
        >>> picture.save("me_in_it.png")  # doctest: +SKIP
    """
    if net is None:
        net = _first_net()
    if not isinstance(net, torch.nn.Module):
        net = load(net)
    if isinstance(net, TutorNet):
        raise CheckpointError("net: a tutor needs a parser's maps of the person; take a student's run")
    if unfit := getattr(net, "unfit", None):
        raise CheckpointError(f"net: {unfit}")
    garment = _photo(cloth)
    mask = garment_mask(garment.image, garment.alpha) if edge is None else _mask(edge)
    size = size or getattr(net, "trained_size", RELEASED_SIZE)
    return Image.fromarray(dress(net.eval(), _photo(person).image, garment.image, mask, size))


def _photo(picture: Picture) -> Photo:
    if isinstance(picture, Image.Image):
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        alpha = np.array(rgba.getchannel("A"))
        flat = np.array(Image.alpha_composite(white, rgba).convert("RGB"))
        return Photo(flat, alpha if alpha.min() < 255 else None)
    if isinstance(picture, np.ndarray):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise ValueError(f"a picture as array is (h, w, 3) of uint8, not {picture.shape} of {picture.dtype}")
        return Photo(picture, None)
    return read_photo(with_home(picture))


def _mask(picture: Picture) -> np.ndarray:
    """A garment's mask from a picture in any form that `vtryon.data.files.masks` understands."""
    if isinstance(picture, np.ndarray):
        return read_mask(picture).pixels
    return (mask_of(picture) if isinstance(picture, Image.Image) else read_mask_file(with_home(picture))).pixels


def _first_net() -> Path:
    """The default weights of the project, else the first trained run that is there."""
    weights = available()
    if weights:
        return weights[0].path
    runs = with_home(os.environ.get("VTRYON_RUNS", "runs"))
    for name in DEMO:
        if (runs / name / WEIGHTS).is_file():
            return runs / name
    raise CheckpointError(f"net: no trained network in {runs}; give net=RUN, or run `vtryon demo` first (minutes)")


def _trained_size(path: Path) -> tuple[int, int]:
    """As the row of a run or the card of a weight file tells; the released size where there is neither."""
    facts = facts_of(path)
    try:
        height, width = facts["size"]
    except (ValueError, KeyError, TypeError):
        return RELEASED_SIZE
    return int(height), int(width)
