"""Distances between sets of pictures: against independent forms, and against what a person would call worse."""

import json
import os
from hashlib import sha256

import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.kid import poly_mmd

from vtryon.metrics.realism import (
    Realism,
    Reference,
    frechet_distance,
    kernel_distance,
    protocol,
    reference_features,
)


def samples(count: int, width: int, seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    mix = torch.randn(width, width, generator=random) / width**0.5
    return torch.randn(count, width, generator=random) @ mix + 0.1 * seed


@pytest.mark.parametrize(("m", "n", "d"), [(300, 200, 24), (40, 30, 64), (100, 20, 48), (65, 64, 64)])
def test_frechet_distance_is_that_of_scipys_matrix_root(m, n, d):
    x, y = samples(m, d, 1).double(), samples(n, d, 2).double()
    c_x, c_y = np.cov(x.numpy(), rowvar=False), np.cov(y.numpy(), rowvar=False)
    root = scipy.linalg.sqrtm(c_x @ c_y + 1e-12 * np.eye(d))
    wanted = float((x.mean(0) - y.mean(0)).square().sum()) + np.trace(c_x + c_y - 2 * np.real(root))
    assert frechet_distance(x, y) == pytest.approx(wanted, rel=1e-3)


def test_frechet_distance_is_pytorch_fids():
    """The number is calculate_frechet_distance's (0.3.0, SciPy 1.17), which SciPy 1.18 no longer runs."""
    random = np.random.RandomState(0)
    x = random.standard_normal((500, 32)) @ random.standard_normal((32, 32))
    y = random.standard_normal((400, 32)) @ random.standard_normal((32, 32)) + 0.5
    assert frechet_distance(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(569.352474286799, rel=1e-9)


@pytest.mark.parametrize(("count", "width"), [(300, 64), (50, 256)])
def test_a_set_is_at_no_distance_from_itself(count, width):
    x = samples(count, width, 1)
    assert frechet_distance(x, x.flip(0)) < 1e-6


def test_kernel_distance_is_torchmetrics_for_equal_counts_and_takes_unequal_ones():
    x, y = samples(60, 16, 1).double(), samples(60, 16, 2).double()
    assert kernel_distance(x, y) == pytest.approx(float(poly_mmd(x, y)), rel=1e-9)
    halves = [kernel_distance(x, half) for half in y.split(30)]
    assert kernel_distance(x, y) == pytest.approx(np.mean(halves), rel=0.1)


def test_kernel_distance_is_unbiased_where_the_frechet_distance_is_not():
    random = torch.Generator().manual_seed(0)
    draws = [torch.randn(2, 20, 16, generator=random) for _ in range(100)]
    kernel = [kernel_distance(x, y) for x, y in draws]
    assert abs(np.mean(kernel)) < 3 * np.std(kernel) / 10  # three standard errors
    assert np.mean([frechet_distance(x, y) for x, y in draws]) > 1


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_one_picture_is_no_set(distance):
    with pytest.raises(
        ValueError,
        match="1 images have no covariance; a distance between sets needs at least 2",
    ):
        distance(samples(1, 4, 1), samples(9, 4, 2))


class MeanColour(torch.nn.Module):
    """A feature network of three numbers that counts its passes."""

    name, columns, weights_sha256, preprocessing = (
        "mean_colour",
        ("fd_colour", "kd_colour"),
        "none",
        "uint8 / 255",
    )

    def __init__(self):
        super().__init__()
        self.passes = 0

    def forward(self, images):
        self.passes += 1
        return images.float().mean((2, 3)) / 255


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setenv("VTRYON_CACHE", str(tmp_path / "cache"))
    return torch.randint(
        0,
        256,
        (12, 3, 8, 6),
        dtype=torch.uint8,
        generator=torch.Generator().manual_seed(0),
    )


def test_realism_over_batches_equals_the_distances_of_all_features(photos):
    net = MeanColour()
    reference = reference_features(net, lambda: photos[:6].split(4))
    metric = Realism(net, reference)
    for batch in photos[6:].split(4):
        metric.update(batch)
    x, y = (net(half) for half in (photos[6:], photos[:6]))
    assert metric.count == 6
    assert metric.compute() == {
        "fd_colour": frechet_distance(x, y),
        "kd_colour": kernel_distance(x, y),
    }
    metric.reset()
    assert metric.count == 0


def test_real_features_are_computed_once_for_a_content(photos, tmp_path):
    net = MeanColour()
    first = reference_features(net, lambda: photos.split(4))
    assert net.passes == 3
    again = reference_features(net, lambda: photos.split(5))
    assert net.passes == 3
    assert torch.equal(first.features, again.features)
    assert first.sha256 == again.sha256
    changed = photos.clone()
    changed[3, 0, 0, 0] += 1
    assert reference_features(net, lambda: [changed]).sha256 != first.sha256
    assert reference_features(net, lambda: [photos.mT.contiguous()]).sha256 != first.sha256
    net.weights_sha256 = "others"
    reference_features(net, lambda: [photos])
    assert net.passes == 6
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_a_damaged_cache_file_is_computed_again(photos, tmp_path):
    net = MeanColour()
    first = reference_features(net, lambda: [photos])
    (kept,) = (tmp_path / "cache").iterdir()
    for damage in (b"", b"not a zip", kept.read_bytes()[:100]):
        kept.write_bytes(damage)
        assert torch.equal(reference_features(net, lambda: [photos]).features, first.features)
    assert np.load(kept, allow_pickle=False)["features"].shape == (12, 3)


def test_an_unusable_cache_folder_warns_and_does_not_stop_the_measurement(photos, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VTRYON_CACHE", os.fspath(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match=r"real features are not kept: .* Set VTRYON_CACHE"):
        assert len(reference_features(MeanColour(), lambda: [photos]).features) == 12


def test_protocol_says_what_was_compared_and_warns_below_2048_images():
    net = MeanColour()
    few = protocol(
        net,
        Reference(torch.zeros(2032, 3), "ab" * 32),
        2032,
        "test_pairs.txt",
        "a b\r\nc d\n",
        "test_img",
    )
    assert json.loads(json.dumps(few)) == few
    assert few["pair_list_sha256"] == sha256(b"a b\nc d\n").hexdigest()
    assert (few["features"], few["images"], few["reference_images"], few["reference_set"]) == (
        "mean_colour", 2032, 2032, "test_img",
    )  # fmt: skip
    assert few["warning"].startswith("2032 images are fewer than 2048: fd_colour is biased upwards")
    assert protocol(net, Reference(torch.zeros(2048, 3), ""), 2048, "", "", "")["warning"] is None
