"""Weights and inputs by the rule of the parity data: every tensor is drawn from a seed made of its name."""

import zlib

import numpy as np
import torch
from torch import nn

HEIGHT, WIDTH = 256, 192


def generator(name: str, salt: str = "") -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(f"{salt}{name}".encode()))


def fill(net: nn.Module, name: str, salt: str = "") -> None:
    """Fill a network called pf_warp, pf_gen, pb_warp or pb_gen."""
    state = net.state_dict()
    net.load_state_dict({key: torch.as_tensor(_value(name, key, value.shape, salt)) for key, value in state.items()})
    net.eval()


def _value(net: str, key: str, shape: torch.Size, salt: str) -> np.ndarray:
    r = generator(f"{net}/{key}", salt)
    head = key.startswith(("aflow_net.netMain", "aflow_net.netRefine")) and ".6." in key
    if key.endswith("num_batches_tracked"):
        return np.int64(7)
    if key.endswith("running_mean"):
        value = 0.2 * r.standard_normal(shape)
    elif key.endswith("running_var"):
        value = 0.5 + r.random_sample(shape)
    elif key.endswith("bias"):
        value = (1.0 if head else 0.1) * r.standard_normal(shape)
    elif len(shape) == 1:
        value = 0.7 + 0.6 * r.random_sample(shape)
    else:
        value = (6.0 if head else 1.0) * r.standard_normal(shape) / np.sqrt(3 * np.prod(shape[1:]))
    return np.asarray(value, dtype=np.float32)


def inputs(salt: str = "") -> dict[str, torch.Tensor]:
    """person, cloth (masked), edge; label, densepose and pose as (1, ...) maps."""

    def up(array, scale):
        return np.kron(array, np.ones((scale, scale)))

    def picture(name):
        r = generator(f"in/{name}", salt)
        coarse, noise = (
            r.standard_normal((3, 32, 24)),
            r.standard_normal((3, HEIGHT, WIDTH)),
        )
        return np.clip(0.6 * up(coarse, 8) + 0.15 * noise, -1, 1)

    edge = up(generator("in/edge", salt).random_sample((1, 8, 6)) > 0.4, 32)
    label = up(generator("in/label", salt).randint(0, 14, (1, 16, 12)), 16)
    densepose = up(generator("in/densepose", salt).randint(0, 25, (1, 16, 12)), 16)
    pose = np.where(generator("in/pose", salt).random_sample((18, HEIGHT, WIDTH)) > 0.99, 1, -1)
    pictures = {
        "person": picture("person"),
        "cloth": picture("cloth") * edge,
        "edge": edge,
        "pose": pose,
    }
    maps = {"label": label[0], "densepose": densepose[0]}
    return {k: torch.from_numpy(v[None].astype(np.float32)) for k, v in pictures.items()} | {
        k: torch.from_numpy(v[None].astype(np.uint8)) for k, v in maps.items()
    }
