"""The distances between all try-ons of a split and real photographs, one metric for each feature network."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import UInt8
from torch import Tensor, nn

from vtryon.data.files import decode
from vtryon.data.files.reader import read
from vtryon.metrics.realism import Realism, protocol, reference_features
from vtryon.models.features.pretrained import WeightsNotFoundError


class Distances:
    """Fréchet and kernel distance in the columns of each feature network; a missing network leaves its columns empty.

    Args:
        features: classes (or partials) of `vtryon.models.features`, built here.
        reference: files of the real photographs.
        device: where the features are taken.
    """

    def __init__(
        self,
        features: Sequence[Callable[[], nn.Module]],
        reference: Sequence[Path],
        device: torch.device,
    ):
        self.empty: dict[str, str] = {}
        self.paths, self.device = list(reference), device
        self.networks = [network for build in features if (network := self._build(build)) is not None]
        self.metrics: list[Realism] = []

    def update(self, images: UInt8[Tensor, "b 3 h w"]) -> None:
        if len(self.paths) < 2:
            return
        if not self.metrics:  # only now is the size known
            size = tuple(images.shape[2:])
            for network in self.networks:
                real = reference_features(network, lambda: _photos(self.paths, size))
                self.metrics.append(Realism(network, real).to(self.device))
        for metric in self.metrics:
            metric.update(images)

    def compute(self, data: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
        """(column → distance, column → protocol); what is missing has its reason in `empty` afterwards.

        Args:
            data: what was judged, as the datamodule's `protocol()` says: pairs, pairs_sha256, reference.
        """
        scores, protocols = {}, {}
        for network in self.networks if not self.metrics else ():
            self._leave_empty(
                network.columns,
                f"{len(self.paths)} real photographs; a distance needs at least 2",
            )
        for metric in self.metrics:
            count = _total(metric.count, self.device)
            if count < 2:
                self._leave_empty(
                    metric.network.columns,
                    f"{count} try-on; a distance needs at least 2",
                )
                continue
            scores |= metric.compute()
            about = protocol(
                metric.network,
                metric.reference,
                count,
                data["pairs"],
                "",
                data["reference"],
            )
            about["pair_list_sha256"] = data["pairs_sha256"]  # of the file, which the datamodule has read
            protocols |= dict.fromkeys(metric.network.columns, about)
        return scores, protocols

    def _build(self, build: Callable[[], nn.Module]) -> nn.Module | None:
        try:
            return build().to(self.device)
        except WeightsNotFoundError as error:
            self._leave_empty(getattr(build, "func", build).columns, str(error))
            return None

    def _leave_empty(self, columns: Sequence[str], reason: str) -> None:
        self.empty |= dict.fromkeys(columns, reason)


def _photos(paths: Sequence[Path], size: tuple[int, int], batch: int = 32) -> Iterator[Tensor]:
    for first in range(0, len(paths), batch):
        yield torch.stack([_photo(path, size) for path in paths[first : first + batch]])


def _photo(path: Path, size: tuple[int, int]) -> Tensor:
    return torch.from_numpy(decode.planes(decode.resized(read(path, decode.photo), size)))


def _total(count: int, device: torch.device) -> int:
    if not (dist.is_available() and dist.is_initialized()):
        return count
    total = torch.tensor(count, device=device)
    dist.all_reduce(total)
    return int(total)
