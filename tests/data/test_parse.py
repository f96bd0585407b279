"""The tutor's view of a person against a literal, pixel by pixel construction."""

import numpy as np
import pytest
import torch

from vtryon.data.files.label_tables import Parse
from vtryon.data.parse import agnostic, person_cloth_mask
from vtryon.data.sample import TryOnBatch

H, W = 32, 32


@pytest.fixture
def batch():
    rng = torch.Generator().manual_seed(0)
    person = torch.rand(2, 3, H, W, generator=rng) * 2 - 1
    return TryOnBatch(
        ["000000_0", "000001_0"],
        ["000000_1", "000001_1"],
        *(person, person, torch.ones(2, 1, H, W), person, None, None, None),
        parse=torch.randint(0, 14, (2, H, W), generator=rng, dtype=torch.uint8),
        densepose=torch.randint(0, 25, (2, H, W), generator=rng, dtype=torch.uint8),
        pose=torch.randint(0, 2, (2, 18, H, W), generator=rng) * 2.0 - 1,
    )


def literal(person, label, part, pose):
    """Condition, preserved region and arms of one pixel, as PF-AFN describes them."""
    face, other = label in (1, 12), label in (5, 6, 8, 9, 10)
    hand = label in (11, 13) and part in (3, 4)
    one_hot = [float(part == index) for index in range(25)]
    keep = float(face) + float(other) + float(hand)
    return (
        [float(face), float(other), *one_hot, *pose],
        [keep * value for value in person],
        float(15 <= part <= 22),
    )


def test_the_agnostic_view_equals_its_literal_construction(batch):
    view = agnostic(batch)
    assert view.cond.shape == (2, 45, H, W)
    for b, y, x in np.ndindex(2, H, W):
        pixel = (
            batch.person[b, :, y, x],
            batch.parse[b, y, x],
            batch.densepose[b, y, x],
            batch.pose[b, :, y, x],
        )
        cond, preserved, arms = literal(*(value.tolist() for value in pixel))
        assert view.cond[b, :, y, x].tolist() == cond
        assert view.preserved[b, :, y, x].tolist() == pytest.approx(preserved)
        assert view.arms[b, 0, y, x].item() == arms


def test_noise_between_garment_and_skin_counts_as_garment():
    labels = torch.arange(14, dtype=torch.uint8).reshape(1, 2, 7)
    mask = person_cloth_mask(labels)
    assert mask.shape == (1, 1, 2, 7)
    assert mask.flatten().nonzero().flatten().tolist() == [Parse.UPPER_CLOTHES, Parse.NOISE] == [4, 7]


def test_a_batch_without_labels_is_refused_with_the_reason(batch):
    with pytest.raises(ValueError, match="no parse, pose, which the tutor needs"):
        agnostic(batch._replace(parse=None, pose=None))
