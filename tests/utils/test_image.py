"""Pictures between [-1, 1] and bytes."""

import numpy as np
import torch

from vtryon.utils.image import from_uint8, to_uint8


def test_every_byte_survives_the_way_there_and_back():
    values = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    assert torch.equal(to_uint8(from_uint8(values)), values)
    assert from_uint8(values).min() == -1
    assert from_uint8(values).max() == 1


def test_bytes_become_what_the_original_loader_makes_of_them():
    values = np.arange(256)
    expected = ((values / 255).astype(np.float32) - np.float32(0.5)) / np.float32(0.5)
    np.testing.assert_allclose(from_uint8(torch.from_numpy(values.astype(np.uint8))), expected, atol=2e-7)


def test_values_are_rounded_to_the_nearest_byte_and_never_truncated():
    step = 2 / 255
    image = torch.tensor([-1 + 0.4 * step, -1 + 0.6 * step, 1 - 0.4 * step, 1 - 0.6 * step])
    assert to_uint8(image).tolist() == [0, 1, 255, 254]


def test_values_out_of_range_end_at_black_and_white():
    assert to_uint8(torch.tensor([-7.0, -1.01, 1.01, 7.0])).tolist() == [0, 0, 255, 255]


def test_the_picture_given_is_left_as_it_was():
    image = torch.tensor([-2.0, 0.3])
    to_uint8(image)
    assert torch.equal(image, torch.tensor([-2.0, 0.3]))
