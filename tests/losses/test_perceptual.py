"""The batched perceptual loss against its definition, pair by pair."""

import pytest
import skimage.data
import torch
import torch.nn.functional as F
from torch import nn

from vtryon.losses import perceptual
from vtryon.losses.perceptual import VGG_WEIGHTS, Perceptual
from vtryon.models.features.pretrained import WeightsNotFoundError
from vtryon.models.features.vgg import pool
from vtryon.models.frozen import Frozen


class TinyVGG(nn.Module):
    """Five taps and VGG's pooling, narrow; counts the images it is shown."""

    name = "tiny"

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.frozen = Frozen(nn.ModuleList(nn.Conv2d(c, 4, 3, padding=1) for c in (3, 4, 4, 4, 4)))
        self.seen = []

    def forward(self, x):
        self.seen.append(len(x))
        taps = []
        for conv in self.frozen.net:
            taps.append(F.relu(conv(x if not taps else pool(x))))
            x = taps[-1]
        return tuple(taps)


def images(count: int, size: tuple[int, int] = (16, 12)) -> torch.Tensor:
    return torch.rand(count, 3, *size) * 2 - 1


def test_batched_loss_and_gradient_equal_the_sum_over_pairs_one_by_one():
    net = TinyVGG()
    shared = images(2)
    large = (images(3, (32, 24)), images(3, (32, 24)))
    pairs = [(images(2), shared), large, (images(2), shared), (images(1), images(1))]
    leaves = [prediction.requires_grad_() for prediction, _ in pairs]
    found = Perceptual(net)(pairs)
    found_grads = torch.autograd.grad(sum(found), leaves)
    wanted = []
    for prediction, target in pairs:
        taps = zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), net(prediction), net(target), strict=True)
        wanted.append(sum(w * F.l1_loss(x, y.detach()) for w, x, y in taps))
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(found_grads, torch.autograd.grad(sum(wanted), leaves))


def test_pairs_of_one_size_share_a_pass_and_a_repeated_target_is_shown_once():
    net = TinyVGG()
    photo = images(2)
    Perceptual(net)([(images(2), photo), (images(2), photo), (images(2), photo)])
    assert net.seen == [2, 6]  # the photo, then the three predictions


def test_no_gradient_reaches_the_target():
    prediction, target = images(1).requires_grad_(), images(1).requires_grad_()
    Perceptual(TinyVGG())([(prediction, target)])[0].backward()
    assert prediction.grad is not None
    assert target.grad is None


def test_pair_of_unlike_shapes_is_refused():
    with pytest.raises(
        ValueError,
        match=r"prediction \(2, 3, 16, 12\) and target \(1, 3, 16, 12\) must be alike",
    ):
        Perceptual(TinyVGG())([(images(2), images(1))])


def test_each_choice_says_its_name_and_none_costs_nothing():
    lite0, none = perceptual.efficientnet_lite0(), perceptual.none()
    assert (lite0.name, none.name) == ("efficientnet_lite0", "none")
    assert none([(images(1), images(1))] * 2) == [0, 0]
    assert not list(lite0.parameters())


def test_published_weights_are_the_default_and_absent_vgg_weights_stop_the_run(tmp_path, monkeypatch):
    assert VGG_WEIGHTS == (0.03125, 0.0625, 0.125, 0.25, 1)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(WeightsNotFoundError, match=r"vgg19-dcbb9e9d\.pth"):
        perceptual.vgg19()


def test_efficientnet_loss_grows_with_blur_and_takes_the_smallest_levels():
    loss = perceptual.efficientnet_lite0()
    photo = images(1, (96, 64))
    blurred = [F.avg_pool2d(photo, 2 * r + 1, 1, r) for r in (1, 2, 4)]
    values = [float(value) for value in loss([(photo, photo), *((picture, photo) for picture in blurred)])]
    assert values[0] == pytest.approx(0, abs=1e-5)  # one pass in a batch, one alone
    assert values == sorted(values)
    assert all(float(value) > 0 for value in loss([(images(1, size), images(1, size)) for size in ((16, 12), (3, 2))]))


def test_efficientnet_levels_have_an_equal_say_between_unrelated_photographs():
    loss = perceptual.efficientnet_lite0()
    photos = [skimage.data.astronaut()[:256, 100:292], skimage.data.coffee()[:256, 100:292]]
    one, other = torch.stack([torch.from_numpy(photo) for photo in photos]).permute(0, 3, 1, 2)[:, None] / 127.5 - 1
    taps = zip(loss.weights, loss.features(one), loss.features(other), strict=True)
    terms = [float(weight * F.l1_loss(x, y)) for weight, x, y in taps]
    assert max(terms) < 2 * min(terms)
    assert sum(terms) == pytest.approx(1.3, abs=0.4)  # of the order of the pixels' L1
