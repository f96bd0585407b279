"""What a frozen teacher says, kept on disk: a sweep asks it the same questions for every ratio and width."""

import hashlib
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vtryon.nn.atomic import atomic_write
from vtryon.nn.checkpoint import load_net
from vtryon.nn.tryon import TryOn


class CachedTeacher(nn.Module):
    """Answers as `net` does, bit for bit, from FOLDER/WEIGHTS/QUESTION.safetensors where it was asked before.

    Questions are known by their content, so neither data nor order need be the same. A sample takes as much as its
    pyramid and pictures: 0.6 MiB at 96x64 in the demo's widths, 20 MiB at 256x192 in full width.

    Args:
        net: the teacher, which must not change any more.
        folder: of the answers; several processes may share it.
    """

    def __init__(self, net: nn.Module, folder: str | os.PathLike):
        super().__init__()
        self.net, self.asked = net.eval(), 0
        self.folder = Path(folder).expanduser() / _digest(net.state_dict().values())

    @property
    def warp(self) -> nn.Module:
        return self.net.warp

    def forward(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> TryOn:
        """As `TryOnNet`; the samples of a batch are asked for one by one, so that batches may differ."""
        worn = [person.cpu(), cloth.cpu(), cloth_edge.cpu()]
        files = [self.folder / f"{_digest(sample)}.safetensors" for sample in zip(*worn, strict=True)]
        answers = [
            _read(file) or self._ask(file, *(x[row : row + 1] for x in (person, cloth, cloth_edge)))
            for row, file in enumerate(files)
        ]
        names = answers[0].keys()
        whole = {name: torch.cat([answer[name].to(person.device) for answer in answers]) for name in names}
        return TryOn(**{field: _gathered(whole, field) for field in TryOn._fields})

    def _ask(self, file: Path, *question: Tensor) -> dict[str, Tensor]:
        self.asked += 1
        said = self.net(*question)
        found = {}
        for field, value in said._asdict().items():
            levels = {f"{field}.{level}": part for level, part in enumerate(value)}
            found |= levels if isinstance(value, tuple) else {field: value}
        found = {name: value.detach().cpu().contiguous().clone() for name, value in found.items()}
        with atomic_write(file) as temporary:
            save_file(found, temporary)
        return found


def cached(path: str | os.PathLike, folder: str | os.PathLike | None) -> nn.Module:
    """The network at `path`, with its answers kept in `folder`; None asks it anew each time."""
    net = load_net(path)
    return net if folder is None else CachedTeacher(net, folder)


def _gathered(whole: dict[str, Tensor], field: str) -> Tensor | tuple[Tensor, ...]:
    if field in whole:
        return whole[field]
    return tuple(whole[f"{field}.{level}"] for level in range(sum(name.startswith(f"{field}.") for name in whole)))


def _read(file: Path) -> dict[str, Tensor] | None:
    """None where there is nothing that can be read: the question is then asked anew."""
    try:
        return load_file(file)
    except (FileNotFoundError, SafetensorError):
        return None


def _digest(tensors) -> str:
    found = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        found.update(tensor.detach().cpu().contiguous().numpy())
    return found.hexdigest()
