"""Published weight files: found on this computer, checked by hash, loaded without unpickling code, never downloaded."""

import hashlib
import os
import re
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from vtryon.utils.file_kind import HEAD, file_kind
from vtryon.utils.home import with_home


class WeightsNotFoundError(FileNotFoundError):
    """A published weight file is not on this computer; the message says where to get it and where to put it."""


class Weights(NamedTuple):
    state_dict: dict[str, Tensor]
    sha256: str  # of the file


class WeightFile(NamedTuple):
    """A file whose name ends in the first digits of its sha256, as torch.hub names them: `vgg19-dcbb9e9d.pth`."""

    name: str
    url: str

    def load(self, path: str | os.PathLike | None = None) -> Weights:
        """Read `path`, or else the file of this name in torch hub's cache; its hash must be the one in the name."""
        file = with_home(path) if path is not None else Path(torch.hub.get_dir(), "checkpoints", self.name)
        if not file.is_file():
            raise WeightsNotFoundError(
                f"{self.name}: no file {file}. Download {self.url} and put it there, or pass the path of your copy."
            )
        sha256 = _sha256(file)
        expected = re.search(r"-([0-9a-f]{8,})\.\w+$", self.name)[1]
        if not sha256.startswith(expected):
            with file.open("rb") as stream:
                kind = file_kind(stream.read(HEAD))
            if kind is not None:
                raise ValueError(f"{file}: no weight file but {kind.name}; {kind.remedy} from {self.url}")
            raise ValueError(
                f"{file}: sha256 is {sha256}, but that of {self.name} begins with {expected}. "
                f"The file is damaged or another one; download {self.url} again."
            )
        return Weights(torch.load(file, map_location="cpu", weights_only=True), sha256)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
