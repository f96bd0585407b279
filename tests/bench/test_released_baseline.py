"""The benchmark's baseline does the same thing as the training it is compared with."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vtryon.bench.data_loading import draw_pose
from vtryon.bench.released_baseline import PlainStep, ReleasedBatch, prepare
from vtryon.bench.train_step import _table, measure, our_step, plain_step, samples, student_stage
from vtryon.data.sample import TryOnBatch, finish
from vtryon.losses.perceptual import Perceptual
from vtryon.models.afwm import AFWM
from vtryon.models.features.vgg import VGG19Taps, pool
from vtryon.models.frozen import Frozen
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.inference import quick
from vtryon.models.tryon import TryOnNet, TutorNet
from vtryon.training.precision import resolved

WIDTHS = {"channels": (6, 5, 7, 4, 6), "fpn_channels": 6, "flow_channels": (6, 5, 4)}
SIZE = (64, 96)


class TinyTaps(VGG19Taps):
    name = "tiny"

    def _build(self, *_):
        self.frozen = Frozen(nn.ModuleList(nn.Conv2d(c, 4, 3, padding=1) for c in (3, 4, 4, 4, 4)))

    def forward(self, x):
        taps = []
        for conv in self.frozen.net:
            taps.append(F.relu(conv(x if not taps else pool(x))))
            x = taps[-1]
        return tuple(taps)


@pytest.fixture
def parts():
    torch.manual_seed(0)
    net = TryOnNet(AFWM(3, **WIDTHS), ResUnetGenerator(7, ngf=3))
    tutor = TutorNet(AFWM(45, **WIDTHS), ResUnetGenerator(8, ngf=3))
    for name, value in tutor.named_buffers():
        if "running" in name:
            value.uniform_(0.5, 1.5)
    return net, tutor, TinyTaps()


@pytest.mark.parametrize("seed", range(2))
def test_both_steps_have_the_same_loss(parts, seed):
    given = samples(3, SIZE, seed)
    assert our_step(*parts)(given) == pytest.approx(plain_step(*parts)(given), rel=1e-4)


@pytest.mark.parametrize("seed", range(2))
def test_both_steps_have_the_same_loss_after_an_update(parts, seed):
    """Of one tutor, folded for both: Adam's first step is as long for a gradient of rounding as for any other."""
    net, tutor, features = parts
    given, tutor = samples(3, SIZE, seed), quick(tutor)
    ours, plain = our_step(net, tutor, features), plain_step(net, tutor, features)
    for _ in range(2):  # the second loss is that of the weights that the first step made
        assert ours(given) == pytest.approx(plain(given), rel=1e-4)


def test_both_losses_have_the_same_gradients(parts):
    """In float64: on pictures of noise, rounding alone moves the gradient of a bilinear look-up by some percent."""
    net, tutor, features = (part.double() for part in parts)
    perceptual = Perceptual(features)
    given = samples(2, SIZE)
    plain_net = copy.deepcopy(net).train()
    prepared = ReleasedBatch(*(part.double() for part in prepare(*given)))
    plain = PlainStep(plain_net, copy.deepcopy(tutor), perceptual)(prepared)
    batch = [part.double() if getattr(part, "dtype", None) == torch.float32 else part for part in finish(given.raw)]
    ours = student_stage(net, tutor, perceptual, torch.optim.Adam).terms(TryOnBatch(*batch))["total"]
    ours.backward()
    plain.backward()
    assert ours.item() == pytest.approx(plain.item(), rel=1e-9)
    for (name, one), other in zip(net.named_parameters(), plain_net.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-6, atol=1e-9, msg=name)


def test_both_steps_open_and_close_the_gate_of_the_lesson_alike(parts):
    net, tutor, features = parts
    student_like = copy.deepcopy(tutor)
    for offset in student_like.warp.aflow_net.netMain:
        nn.init.normal_(offset[-1].weight, std=1.0)  # a tutor that warps wildly teaches little
    given = samples(4, SIZE)
    values = [step(net, t, features)(given) for t in (tutor, student_like) for step in (our_step, plain_step)]
    assert values[0] == pytest.approx(values[1], rel=1e-4)
    assert values[2] == pytest.approx(values[3], rel=1e-4)
    assert values[0] != pytest.approx(values[2], rel=1e-3)


def test_plain_preparation_gives_our_batch():
    given = samples(2, (256, 192))
    plain, ours = prepare(*given), finish(given.raw)
    torch.testing.assert_close(plain.person, ours.person)
    torch.testing.assert_close(plain.cloth, ours.cloth * ours.cloth_edge)
    torch.testing.assert_close(plain.cond[:, 27:], ours.pose)


def test_keypoint_near_the_origin_is_not_drawn():
    points = samples(1, (256, 192)).keypoints[0].copy()
    points[0], points[1] = (1, 100), (100.5, 50.25)
    maps = draw_pose(points, (256, 192))
    assert (maps[0] == -1).all()
    assert (maps[1] == 1).sum() == 121


def test_measuring_times_each_step_in_each_round_but_the_first(parts):
    seconds = measure(*parts, samples(1, (64, 64)), rounds=2)
    halves = ["vtryon, bf16"] if resolved("auto", "cpu") == "bf16-mixed" else []
    assert list(seconds) == ["vtryon", *halves, "plain loop"]
    assert all(len(spent) == 2 and min(spent) > 0 for spent in seconds.values())
    assert _table(seconds, "title", "caption").row_count == 3 + 2 * len(halves)


def test_step_in_bf16_has_the_loss_of_float32_to_its_own_digits(parts):
    given = samples(2, SIZE)
    in_bf16, in_float32 = our_step(*parts, bf16=True)(given), our_step(*parts)(given)
    assert in_bf16 == pytest.approx(in_float32, rel=0.02)
    assert in_bf16 != in_float32
