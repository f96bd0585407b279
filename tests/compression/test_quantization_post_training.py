"""Post-training quantization inside a run: mistakes are told at once, and the budget's metric knows its direction."""

import pytest
import torch
from quantized_nets import pictures
from tiny_run import LIGHTNING_WARNINGS, TinyData, TinyModule, trainer

from vtryon.callbacks.deployed import Deployed
from vtryon.compression.quantization_post_training import PostTraining
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.quantized.policy import Int8Policy

SIZE = (64, 64)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"calibration": 0}, r"calibration \(=0\): ranges are learnt from at least 1 pair"),
        ({"metric": "fid"}, r"metric \(='fid'\) must be one of ssim, mse"),
        ({"rise": -1}, r"rise \(=-1\) must be at least 0"),
    ],
)
def test_what_cannot_be_is_named(given, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        PostTraining(tmp_path, SIZE, **given)


@pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)
def test_an_int8_network_is_not_quantized_again(tmp_path):
    module = TinyModule()
    module.net = Int8TryOnNet(module.net, {}, Int8Policy("none"))
    with pytest.raises(ValueError, match="quantizes a float student, and this is a Int8TryOnNet"):
        trainer(tmp_path, PostTraining(tmp_path, SIZE)).test(module, datamodule=TinyData(tmp_path), verbose=False)


@pytest.mark.parametrize("metric", ["ssim", "mse"])
def test_the_judge_prefers_what_is_nearer(metric, tmp_path):
    ask = PostTraining(tmp_path, SIZE, metric=metric, rise=1.0)
    person, cloth, edge = pictures()
    near, far = ((person + off * torch.sign(person)).clamp(-1, 1).numpy() for off in (0.05, 0.5))
    items = [(person, cloth, edge, person)]
    assert ask._judge(lambda *_: [near], items)[0] > ask._judge(lambda *_: [far], items)[0]


def test_without_the_runtimes_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "vtryon.deploy.runtime.deployed_runtimes", None)
    with pytest.raises(ImportError, match=r'callbacks.deployed needs it: pip install "vtryon\[deploy\]"'):
        Deployed(tmp_path, SIZE)
