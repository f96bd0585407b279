"""End-point error in pixels."""

import torch

from vtryon.metrics.flow import end_point_error


def test_a_known_shift_in_pixels_is_its_end_point_error():
    height, width = 8, 6
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")

    def grid(dx: float, dy: float) -> torch.Tensor:
        return torch.stack([2 * (x + dx) / (width - 1) - 1, 2 * (y + dy) / (height - 1) - 1])

    flow = torch.stack([grid(3, 4), grid(0, 0)])
    found = end_point_error(flow, grid(0, 0).expand(2, -1, -1, -1))
    torch.testing.assert_close(found.pixels, torch.tensor([5.0, 0.0]), atol=1e-5, rtol=0)
    assert found.truth_count.tolist() == [48, 48]


def test_places_without_a_truth_do_not_count():
    truth = torch.zeros(3, 2, 4, 5)
    truth[0, :, 2:] = float("nan")
    truth[1, 0, :, 1:] = float("nan")  # half a vector is no truth
    truth[2] = float("nan")
    flow = torch.zeros(3, 2, 4, 5)
    flow[:, 0, :, 0] = 1  # two pixels off in the first column, right elsewhere
    found = end_point_error(flow, truth)
    assert found.truth_count.tolist() == [10, 4, 0]
    torch.testing.assert_close(found.pixels[:2], torch.tensor([0.4, 2.0]))
    assert found.pixels[2].isnan()
