"""Batches: shapes, ranges, and the way from files' bytes to floats."""

import pickle

import numpy as np
import pytest
import torch
from lightning_fabric.utilities import move_data_to_device

from vtryon.data.sample import Raw, TryOnBatch, collate, finish

H, W = 64, 32


def sample(number, **more):
    rng = np.random.default_rng(number)
    pictures = {name: rng.integers(0, 256, (3, H, W), dtype=np.uint8) for name in ("person", "cloth")}
    edge = rng.integers(0, 256, (H, W), dtype=np.uint8)
    return Raw(
        f"{number:06d}_0",
        f"{number:06d}_1",
        cloth_edge=edge,
        **pictures,
        **{"worn": True, **more},
    )


def training_sample(number):
    rng = np.random.default_rng(number)
    return sample(
        number,
        other_cloth=rng.integers(0, 256, (3, H, W), dtype=np.uint8),
        other_edge=rng.integers(0, 256, (H, W), dtype=np.uint8),
        parse=rng.integers(0, 14, (H, W), dtype=np.uint8),
        densepose=rng.integers(0, 25, (H, W), dtype=np.uint8),
        pose=np.tile(np.array([3, 4, 9, 12], dtype=np.int32), (18, 1)),
        true_flow=rng.uniform(-1, 1, (2, H, W)).astype(np.float16),
    )


def test_a_training_batch_has_every_field_in_its_shape_and_range():
    batch = finish(collate([training_sample(number) for number in range(3)]))
    assert batch.person_ids == ["000000_0", "000001_0", "000002_0"]
    shapes = {name: tuple(value.shape) for name, value in batch._asdict().items() if torch.is_tensor(value)}
    assert shapes == {
        **dict.fromkeys(("person", "cloth", "truth", "other_cloth"), (3, 3, H, W)),
        **dict.fromkeys(("cloth_edge", "other_edge"), (3, 1, H, W)),
        **dict.fromkeys(("parse", "densepose"), (3, H, W)),
        "pose": (3, 18, H, W),
        "true_flow": (3, 2, H, W),
    }
    for picture in (batch.person, batch.cloth, batch.other_cloth):
        assert picture.dtype == torch.float32
        assert picture.min() == -1
        assert picture.max() == 1
    assert batch.parse.dtype == batch.densepose.dtype == torch.uint8
    assert batch.true_flow.dtype == torch.float32
    assert set(batch.pose.unique().tolist()) == {-1.0, 1.0}


def test_pictures_are_scaled_as_pf_afn_scales_them():
    values = np.arange(256, dtype=np.uint8).repeat(3 * H * W // 256).reshape(3, H, W)
    batch = finish(collate([sample(0)._replace(person=values)]))
    expected = (torch.from_numpy(values).double() / 255 - 0.5) / 0.5
    assert torch.allclose(batch.person[0].double(), expected, atol=1e-6)


def test_an_edge_counts_as_garment_from_128_on():
    edge = np.tile(np.array([0, 127, 128, 255], dtype=np.uint8), (H, W // 4))
    batch = finish(collate([sample(0)._replace(cloth_edge=edge)]))
    assert batch.cloth_edge[0, 0, 0, :4].tolist() == [0, 0, 1, 1]


def test_the_photo_is_the_truth_only_where_the_garment_is_worn():
    worn = finish(collate([sample(0)]))
    assert torch.equal(worn.truth, worn.person)
    assert finish(collate([sample(0, worn=False)])).truth is None
    given = sample(0, worn=False)._replace(truth=sample(1).person)
    assert torch.equal(finish(collate([given])).truth, finish(collate([sample(1)])).person)


def test_what_the_source_lacks_is_none():
    batch = finish(collate([sample(0), sample(1)]))
    lacking = {name for name, value in batch._asdict().items() if value is None}
    assert lacking == {
        "true_flow",
        "other_cloth",
        "other_edge",
        "parse",
        "densepose",
        "pose",
    }


@pytest.mark.parametrize("make", [training_sample, sample])
def test_a_batch_moves_between_devices_and_processes_as_it_is(make):
    raw = collate([make(0), make(1)])
    moved = move_data_to_device(raw, torch.device("cpu"))
    assert isinstance(moved, Raw)
    assert moved.person_id == raw.person_id
    again = pickle.loads(pickle.dumps(moved))
    assert torch.equal(again.cloth, raw.cloth)
    assert isinstance(move_data_to_device(finish(raw), torch.device("cpu")), TryOnBatch)
