"""Try-ons of a frozen teacher, cached on disk: a sweep needs the same ones for every ratio and width."""

import hashlib
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vtryon.models.checkpoint import load_net
from vtryon.models.precision import without_autocast
from vtryon.models.tryon import TryOn
from vtryon.utils.atomic import atomic_write
from vtryon.utils.home import with_home


class CachedTeacher(nn.Module):
    """Gives the try-ons of `net`, bit for bit, from FOLDER/WEIGHTS/INPUTS.safetensors where they were computed before.

    Inputs are known by their content, so neither data nor order need be the same. A sample takes as much as its
    pyramid and pictures: 0.6 MiB at 96x64 in the demo's widths, 20 MiB at 256x192 in full width.

    Args:
        net: the teacher, which must not change any more.
        folder: of the cached try-ons; several processes may share it.
    """

    def __init__(self, net: nn.Module, folder: str | os.PathLike):
        super().__init__()
        self.net, self.asked = net.eval(), 0
        self.folder = with_home(folder) / _digest(net.state_dict().values())

    @property
    def warp(self) -> nn.Module:
        return self.net.warp

    @property
    def trained_on(self) -> dict[str, str] | None:
        return self.net.trained_on

    def forward(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> TryOn:
        """As `TryOnNet`; the samples of a batch are cached one by one, so that batches may differ."""
        worn = [person.cpu(), cloth.cpu(), cloth_edge.cpu()]
        files = [self.folder / f"{_digest(sample)}.safetensors" for sample in zip(*worn, strict=True)]
        try_ons = [
            _read(file) or self._compute(file, *(x[row : row + 1] for x in (person, cloth, cloth_edge)))
            for row, file in enumerate(files)
        ]
        names = try_ons[0].keys()
        batched = {name: torch.cat([try_on[name].to(person.device) for try_on in try_ons]) for name in names}
        return TryOn(**{field: _gathered(batched, field) for field in TryOn._fields})

    def _compute(self, file: Path, *inputs: Tensor) -> dict[str, Tensor]:
        self.asked += 1
        with without_autocast(inputs[0].device):  # a later run may train in another precision
            try_on = self.net(*inputs)
        tensors = {}
        for field, value in try_on._asdict().items():
            levels = {f"{field}.{level}": tensor for level, tensor in enumerate(value)}
            tensors |= levels if isinstance(value, tuple) else {field: value}
        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        with atomic_write(file) as temporary:
            save_file(tensors, temporary)
        return tensors


def cached(path: str | os.PathLike, folder: str | os.PathLike | None) -> nn.Module:
    """The network at `path`, with its try-ons cached in `folder`; None computes them anew each time."""
    net = load_net(path)
    return net if folder is None else CachedTeacher(net, folder)


def _gathered(tensors: dict[str, Tensor], field: str) -> Tensor | tuple[Tensor, ...]:
    if field in tensors:
        return tensors[field]
    return tuple(tensors[f"{field}.{level}"] for level in range(sum(name.startswith(f"{field}.") for name in tensors)))


def _read(file: Path) -> dict[str, Tensor] | None:
    """None where there is nothing that can be read; the try-on is then computed anew."""
    try:
        return load_file(file)
    except (FileNotFoundError, SafetensorError):
        return None


def _digest(tensors) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()
