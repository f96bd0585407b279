"""Quantization-aware training trains with quantization in the loop, and what it converts is what it trained."""

import pytest
import pytorch_lightning as L
import torch
import torch.ao.quantization as tq
from narrow import inputs_of, net_of
from quantized_nets import fake_quantized, observed, pictures
from tiny_run import LIGHTNING_WARNINGS, trainer
from torch import nn
from torch.ao.nn import quantized as int8
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader
from torch_pruning.pruner.importance import MagnitudeImportance

from vtryon.compression.pruning import Pruning
from vtryon.compression.quantization_aware import QuantAware
from vtryon.metrics.cost import cost
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.quantized.parts import Float

pytestmark = pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)
STEPS = 10


class Copying(L.LightningModule):
    """It learns to paint the person as it came in; no stage of ours, but with what callbacks ask of one."""

    def __init__(self):
        super().__init__()
        self.net = net_of()

    def training_step(self, batch, batch_idx):
        return (self.net(*batch).image - batch[0]).abs().mean()

    def test_step(self, batch, batch_idx):
        return self.net(*batch).image

    def configure_optimizers(self):
        return torch.optim.Adam(self.net.parameters(), lr=2e-3)

    def reshaped(self):
        pass

    def train_dataloader(self):
        return DataLoader([pictures(seed, 2) for seed in range(STEPS)], batch_size=None)

    test_dataloader = train_dataloader


class Witness(L.Callback):
    """Notes after each step: activation scales, the state of the switches, statistics, and last the float outputs."""

    def __init__(self):
        self.scales, self.fake, self.watching, self.means, self.last = [], [], [], [], None

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        fakes = [m for m in pl_module.net.modules() if isinstance(m, tq.FakeQuantizeBase)]
        norms = [m for m in pl_module.net.modules() if isinstance(m, _BatchNorm)]
        self.scales.append(torch.cat([m.scale.flatten() for m in fakes]).clone())
        self.fake.append({bool(m.fake_quant_enabled) for m in fakes})
        self.watching.append({bool(m.observer_enabled) for m in fakes})
        self.means.append(torch.cat([m.running_mean for m in norms]).clone())

    def on_train_end(self, trainer, pl_module):
        pl_module.net.eval()
        with torch.no_grad():
            self.last = pl_module.net(*pictures())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    torch.manual_seed(0)
    module, witness = Copying(), Witness()
    fit = trainer(tmp_path_factory.mktemp("qat"), QuantAware(starts=0.3, freezes=0.8), witness)
    fit.fit(module)
    return module, witness


def test_quantization_starts_when_it_is_told_and_scales_move_until_they_are_frozen(trained):
    _, seen = trained
    assert seen.fake == [{False}] * 3 + [{True}] * 7
    assert seen.watching == [{False}] * 3 + [{True}] * 5 + [{False}] * 2
    assert torch.equal(seen.scales[0], seen.scales[2])  # of a network that is still float
    for before, after in zip(seen.scales[3:7], seen.scales[4:8], strict=True):
        assert not torch.equal(before, after)
    assert torch.equal(seen.scales[7], seen.scales[9])


def test_statistics_of_all_norms_rest_in_the_last_part(trained):
    _, seen = trained
    assert not torch.equal(seen.means[6], seen.means[7])
    assert torch.equal(seen.means[7], seen.means[9])


def test_the_converted_network_equals_the_trained_one_within_a_step_on_99_of_100_pixels(trained):
    module, seen = trained
    assert isinstance(module.net, Int8TryOnNet)
    with torch.no_grad():
        answer = module.net(*pictures())
    step = [layer.scale for layer in module.net.generator.modules() if isinstance(layer, int8.Conv2d)][-1]
    assert ((answer.image - seen.last.image).abs() <= step).float().mean() >= 0.99


def test_gradients_pass_the_fake_quantizers_and_see_what_they_round_to():
    net, _ = fake_quantized(net_of())
    net.train()
    net(*inputs_of(net, 0, 2)).image.square().mean().backward()
    convolutions = [(name, layer) for name, layer in net.named_modules() if hasattr(layer, "weight_fake_quant")]
    assert all(layer.weight.grad.abs().sum() > 0 for name, layer in convolutions if "cond" not in name)
    assert len(convolutions) > 100
    # all weights of one layer within half a step: it says nothing any more, and still its weights learn
    _, layer = next(pair for pair in convolutions if pair[0].startswith("generator.layer.model.model.2"))
    net.apply(tq.disable_observer).zero_grad()
    range_of = layer.weight_fake_quant.activation_post_process
    range_of.min_val.fill_(-1e6)
    range_of.max_val.fill_(1e6)
    out = layer(torch.rand(2, layer.in_channels, 8, 8))
    assert out.flatten(2).std(2).max() == 0
    net(*inputs_of(net, 0, 2)).image.square().mean().backward()
    assert layer.weight.grad.abs().sum() > 0


def test_fake_quantized_parts_say_under_autocast_what_they_say_in_float32():
    net, _ = fake_quantized(net_of())
    net = observed(net, batches=1)
    with torch.no_grad():
        exact = net(*pictures()).image
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(net(*pictures()).image, exact)


def test_what_is_kept_float_is_not_even_fake_quantized():
    net, _ = fake_quantized(net_of())
    kept = [layer.layer for layer in net.modules() if isinstance(layer, Float)]
    assert len(kept) == 11
    assert {type(layer) for layer in kept} == {nn.Conv2d}


def test_channels_go_first_and_scope_none_stays_float(tmp_path):
    module = Copying()
    dense = cost(module.net, (64, 64))["params_m"]
    pruning = Pruning(0.4, importance=MagnitudeImportance(), round_to=1)
    trainer(tmp_path, QuantAware("none", pruning=pruning), limit_train_batches=2).fit(module)
    assert not isinstance(module.net, Int8TryOnNet)
    assert cost(module.net, (64, 64))["params_m"] < 0.5 * dense


def test_without_training_there_is_nothing_to_convert(tmp_path):
    with pytest.raises(ValueError, match=r"qat_int8 learns while .* training=by_teacher, or compression=ptq_int8"):
        trainer(tmp_path, QuantAware()).test(Copying(), verbose=False)


def test_shares_that_cannot_be_are_named():
    with pytest.raises(ValueError, match=r"starts \(=0.9\) and freezes \(=0.8\)"):
        QuantAware(starts=0.9)


def test_a_missing_tool_kit_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "neural_compressor", None)
    with pytest.raises(ImportError, match=r'needs neural-compressor .* pip install "vtryon\[inc\]"'):
        fake_quantized(net_of())
