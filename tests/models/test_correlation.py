"""The cost volume against its definition, and what it does not do: hold shifted copies of the features."""

import inspect
import json

import pytest
import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from vtryon.models.correlation.cost_volume import correlate

SIZES = [
    (1, 1),
    (2, 5),
    (8, 8),
    (9, 7),
    (16, 12),
    (17, 24),
]  # below, at and beside multiples of the 8x8 tiles


def literal(first, second, radius):
    """Products one by one, as the formula is read: displacement, place, channel."""
    b, c, h, w = first.shape
    span = 2 * radius + 1
    out = torch.zeros(b, span * span, h, w, dtype=first.dtype)
    for n in range(b):
        for k in range(span * span):
            dy, dx = k // span - radius, k % span - radius
            for y in range(max(0, -dy), min(h, h - dy)):
                for x in range(max(0, -dx), min(w, w - dx)):
                    out[n, k, y, x] = sum(first[n, i, y, x] * second[n, i, y + dy, x + dx] for i in range(c)) / c
    return out


def shifted(first, second, radius):
    """The same by whole pictures, in autograd."""
    h, w = first.shape[-2:]
    around = F.pad(second, [radius] * 4)
    shifts = [(y, x) for y in range(2 * radius + 1) for x in range(2 * radius + 1)]
    return torch.stack([(first * around[:, :, y : y + h, x : x + w]).mean(1) for y, x in shifts], dim=1)


def features(*shape, dtype=torch.float64):
    torch.manual_seed(0)
    return torch.randn(2, *shape, dtype=dtype).unbind(0)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_volume_is_that_of_the_literal_loops(radius):
    first, second = features(2, 2, 9, 4)
    torch.testing.assert_close(correlate(first, second, radius), literal(first, second, radius))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("radius", [1, 2, 3])
def test_volume_and_gradients_are_those_of_shifted_products_at_any_size(radius, size):
    ours, theirs = [[x.clone().requires_grad_() for x in features(2, 5, *size)] for _ in range(2)]
    out, expected = correlate(*ours, radius), shifted(*theirs, radius)
    torch.testing.assert_close(out, expected)
    weights = torch.randn_like(out)
    torch.testing.assert_close(
        torch.autograd.grad(out, ours, weights),
        torch.autograd.grad(expected, theirs, weights),
    )


@pytest.mark.parametrize("size", [(3, 4), (9, 7)])
@pytest.mark.parametrize("radius", [1, 2, 3])
def test_gradient_is_the_slope(radius, size):
    first, second = (x.requires_grad_() for x in features(1, 2, *size))
    assert torch.autograd.gradcheck(lambda a, b: correlate(a, b, radius), (first, second), fast_mode=size != (3, 4))


def test_gradient_of_the_volume_is_left_as_it_was():
    first, second = (x.requires_grad_() for x in features(1, 4, 8, 16))
    upstream = torch.ones(1, 49, 8, 16, dtype=torch.float64)
    correlate(first, second).backward(upstream)
    assert (upstream == 1).all()


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (-3, -3), (-1, 2), (3, 0)])
def test_a_shifted_picture_is_most_like_itself_at_its_shift(dy, dx):
    picture, _ = features(1, 64, 20, 20)
    moved = torch.roll(picture, (dy, dx), dims=(2, 3))
    inner = correlate(picture, moved)[0, :, 4:-4, 4:-4]
    assert (inner.argmax(0) == (dy + 3) * 7 + dx + 3).all()  # dx runs fastest


def test_ones_give_one_inside_and_nothing_beyond_the_edge():
    ones = torch.ones(1, 6, 9, 9)
    volume = correlate(ones, ones)
    assert (volume[0, 24] == 1).all()  # the mean over channels, not the sum
    assert volume[0, 0, 3, 3] == 1
    assert (volume[0, 0, :3] == 0).all()  # three rows up is outside
    assert (volume[0, 6, :, -3:] == 0).all()


def test_pictures_of_unlike_shapes_are_refused():
    bare = inspect.unwrap(correlate)  # as users run it, without the tests' checks of annotations
    with pytest.raises(
        ValueError,
        match=r"first \(1, 2, 8, 8\) and second \(1, 2, 8, 9\) must have one shape",
    ):
        bare(torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 9))


def test_operator_keeps_the_rules_of_torch_operators():
    for size in ((5, 6), (8, 8)):
        first, second = (x.requires_grad_() for x in features(2, 3, *size, dtype=torch.float32))
        torch.library.opcheck(torch.ops.vtryon.correlate, (first, second, 3))
        volume = torch.randn(2, 49, *size)
        torch.library.opcheck(
            torch.ops.vtryon.correlate_backward,
            (volume, first.detach(), second.detach(), 3),
        )


def test_wanted_products_are_counted_and_no_others():
    first, second = features(1, 256, 128, 96, dtype=torch.float32)
    with FlopCounterMode(display=False) as counter:
        correlate(first.to("meta"), second.to("meta"))
    assert counter.get_total_flops() == 2 * 49 * 256 * 128 * 96


def peak_copies(run, nbytes, path):
    """The most that was held at once beyond the inputs, in multiples of the features, as the allocator saw it."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        run()
    seen.export_chrome_trace(str(path))
    events = [event for event in json.loads(path.read_text())["traceEvents"] if event["name"] == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event["ts"]):
        held += event["args"]["Bytes"]
        most = max(most, held)
    return most / nbytes


def test_49_copies_of_the_features_are_never_held(tmp_path):
    first, second = features(1, 256, 64, 48, dtype=torch.float32)

    def unfolded():
        patches = F.unfold(second[:, :16], 7, padding=3).view(1, 16, 49, 64, 48)
        return (first[:, :16, None] * patches).mean(1)

    learn = [x.clone().requires_grad_() for x in (first, second)]
    size = first.nbytes
    assert peak_copies(unfolded, size / 16, tmp_path / "unfolded.json") > 49  # what the measure sees of the naive form
    assert peak_copies(lambda: correlate(first, second), size, tmp_path / "forward.json") < 4
    assert peak_copies(lambda: correlate(*learn).sum().backward(), size, tmp_path / "backward.json") < 8


def test_only_the_features_wait_for_the_backward_pass():
    kept = []
    first, second = (x.requires_grad_() for x in features(1, 16, 24, 24))
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.nbytes) or x, lambda x: x):
        correlate(first, second)
    assert sum(kept) == first.nbytes + second.nbytes
