"""Whatever compresses follows one protocol, so that a new method is one class and one config."""

import pytest
import pytorch_lightning as pl
from hydra.utils import get_class
from narrow import net_of
from omegaconf import OmegaConf
from torch import nn
from torch.optim import SGD

from vtryon.compression.method import CompressionMethod
from vtryon.compression.pruning import Pruning
from vtryon.config.compose import conf_dir
from vtryon.runs.compress import compress
from vtryon.training.stage import Stage

CONFIGS = sorted((conf_dir() / "compression").glob("[!_]*.yaml"))  # those with _ are parts of others


def target_of(file) -> str | None:
    """The `_target_` of a config, or of the one that it builds upon."""
    config = OmegaConf.load(file)
    node = config.get("compression", config) or {}
    for base in [*config.get("defaults", ()), None]:
        if "_target_" in node or base is None:
            return node.get("_target_")
        if base != "_self_":
            return target_of(file.with_name(f"{base}.yaml"))


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_every_config_of_the_compression_is_a_method_of_this_folder(file):
    target = target_of(file)
    if file.stem == "none":
        assert target is None
        return
    assert target.startswith("vtryon.compression.")
    assert issubclass(get_class(target), CompressionMethod)


class Student(Stage):
    """It counts how often it was told of another network."""

    def __init__(self, net):
        super().__init__(net, nn.Identity(), SGD)
        self.reshapes = 0

    def reshaped(self):
        self.reshapes += 1


class Nothing(CompressionMethod):
    """The least that a method has to be."""


def test_a_method_that_acts_later_leaves_the_network_as_it_is_before_the_fit():
    net = net_of()
    stage = Student(net)
    compress(stage, Nothing(), pl.LightningDataModule())
    assert (stage.net is net, stage.reshapes) == (True, 0)


def test_a_stage_goes_on_with_the_network_that_a_method_returns():
    net = net_of()
    stage = Student(net)
    compress(stage, Pruning(0.5, round_to=1), pl.LightningDataModule())
    assert sum(weight.numel() for weight in stage.net.parameters()) < sum(weight.numel() for weight in net.parameters())
    assert stage.reshapes == 1
