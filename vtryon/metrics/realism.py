"""Distances between a set of try-ons and real photographs: Fréchet and kernel distances of pretrained features.

On Inception's features these are the FID (Heusel et al., NeurIPS 2017) and the KID (Bińkowski et al., ICLR 2018). The
names of the columns belong to the features, so that a distance on other features is never taken for an FID.
"""

import hashlib
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.image.kid import poly_kernel
from torchmetrics.utilities import dim_zero_cat

from vtryon.utils.atomic import atomic_write
from vtryon.utils.home import cache_folder

ENOUGH = 2048  # images: as many as Inception's features, the least for a covariance of full rank


class Reference(NamedTuple):
    """The real pictures' features, and the hash of the pictures."""

    features: Float[Tensor, "n d"]
    sha256: str


class Realism(Metric):
    """Collect pictures; then compute their distances to the reference, in the columns of the network.

    Args:
        network: pooled features, uint8 (b, 3, h, w) to (b, d), as in `vtryon.models.features`.
        reference: of the same network (`reference_features`).
    """

    full_state_update = False
    features: list[Tensor]

    def __init__(self, network: nn.Module, reference: Reference):
        super().__init__()
        self.network, self.reference = network, reference
        self.add_state("features", default=[], dist_reduce_fx="cat")

    @property
    def count(self) -> int:
        """Pictures so far, on this process."""
        return sum(len(features) for features in self.features)

    def update(self, images: UInt8[Tensor, "b 3 h w"]) -> None:
        self.features.append(self.network(images))

    def compute(self) -> dict[str, float]:
        features = dim_zero_cat(self.features).cpu()
        distances = (
            frechet_distance(features, self.reference.features),
            kernel_distance(features, self.reference.features),
        )
        return dict(zip(self.network.columns, distances, strict=True))


def frechet_distance(x: Float[Tensor, "m d"], y: Float[Tensor, "n d"]) -> float:
    r"""Squared Wasserstein distance of the normal distributions with the samples' means and covariances.

    .. math:: |\mu_x - \mu_y|^2 + \mathrm{tr}(C_x + C_y - 2 (C_x C_y)^{1/2})

    With C = A'A for centred samples A, the trace of the root is the sum of the singular values of A_x A_y', a matrix of
    at most min(m, d) by min(n, d). That is exact, needs no square root of a 2048x2048 product, and is stable where
    there are fewer samples than dimensions, which scipy's sqrtm is not.
    """
    (mean_x, factor_x), (mean_y, factor_y) = _moments(x), _moments(y)
    root = torch.linalg.svdvals(factor_x @ factor_y.T).sum()
    distance = (mean_x - mean_y).square().sum() + factor_x.square().sum() + factor_y.square().sum() - 2 * root
    return max(float(distance), 0.0)  # rounding can leave -1e-12 between equal sets


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean, and A with A'A the covariance, of at most d rows."""
    _check_count(x)
    x = x.double()
    centred = (x - x.mean(0)) / (len(x) - 1) ** 0.5
    return x.mean(0), torch.linalg.qr(centred, mode="r").R if len(x) > x.shape[1] else centred


def kernel_distance(x: Float[Tensor, "m d"], y: Float[Tensor, "n d"]) -> float:
    """Unbiased squared maximum mean discrepancy under KID's cubic kernel, over all samples instead of drawn subsets."""
    x, y = x.double(), y.double()
    return _within(x) + _within(y) - 2 * _kernel_sum(x, y) / (len(x) * len(y))


def _within(x: Tensor) -> float:
    """Mean kernel of different samples."""
    _check_count(x)
    selves = sum(float(poly_kernel(row, row)) for row in x.split(1))
    return (_kernel_sum(x, x) - selves) / (len(x) * (len(x) - 1))


def _kernel_sum(x: Tensor, y: Tensor) -> float:
    return sum(float(poly_kernel(rows, y).sum()) for rows in x.split(1024))


def _check_count(x: Tensor) -> None:
    if len(x) < 2:
        raise ValueError(f"{len(x)} images have no covariance; a distance between sets needs at least 2 images in each")


def reference_features(network: nn.Module, images: Callable[[], Iterable[Tensor]]) -> Reference:
    """Features of real pictures, computed once and then kept under $VTRYON_CACHE or ~/.cache/vtryon.

    Args:
        network: as for `Realism`.
        images: gives the pictures in uint8 batches (b, 3, h, w). It is called to hash the pixels, and once more when
            no features are kept for that hash, network and preprocessing. How they are batched does not matter.
    """
    sha256 = _pixel_hash(images())
    identity = "|".join((sha256, network.name, network.weights_sha256, network.preprocessing))
    file = cache_folder() / f"{network.name}-{hashlib.sha256(identity.encode()).hexdigest()[:32]}.npz"
    features = _read(file)
    if features is None:
        features = torch.cat([network(batch).cpu() for batch in images()])
        _write(file, features)
    return Reference(features, sha256)


def _pixel_hash(images: Iterable[Tensor]) -> str:
    digest = hashlib.sha256()
    for batch in images:
        for image in batch.cpu().numpy():
            digest.update(repr(image.shape).encode() + image.tobytes())
    return digest.hexdigest()


def _read(file: Path) -> Tensor | None:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return torch.from_numpy(arrays["features"])
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        zipfile.BadZipFile,
    ):  # absent or damaged: compute it again
        return None


def _write(file: Path, features: Tensor) -> None:
    try:
        with atomic_write(file) as temporary:
            np.savez(temporary, features=features.numpy())
    except OSError as error:
        warnings.warn(
            f"real features are not kept: {error}. Set VTRYON_CACHE to a folder for them.",
            stacklevel=3,
        )


def protocol(
    network: nn.Module,
    reference: Reference,
    count: int,
    pair_list: str,
    pairs_text: str,
    reference_set: str,
) -> dict[str, str | int | None]:
    """What a distance must be quoted with.

    Args:
        count: how many pictures were judged.
        pair_list, pairs_text: name and content of the list of pairs; its hash is taken with \\n line ends.
        reference_set: where the real pictures are from, e.g. `test_img`.
    """
    fewest = min(count, len(reference.features))
    warning = (
        f"{fewest} images are fewer than {ENOUGH}: {network.columns[0]} is biased upwards and comparable only at equal "
        f"counts; {network.columns[1]} is unbiased"
    )
    return {
        "features": network.name,
        "weights_sha256": network.weights_sha256,
        "preprocessing": network.preprocessing,
        "pair_list": pair_list,
        "pair_list_sha256": hashlib.sha256(pairs_text.replace("\r\n", "\n").encode()).hexdigest(),
        "images": count,
        "reference_set": reference_set,
        "reference_images": len(reference.features),
        "reference_sha256": reference.sha256,
        "warning": warning if fewest < ENOUGH else None,
    }
