"""One block at a time is int8, the others answer as before, and nothing is measured twice."""

import csv

import pytest
import torch
from few_pairs import FewPairs
from narrow import inputs_of, net_of
from torch import nn
from torch.ao.nn import quantized as int8

from vtryon.compression.quantization_blocks import alone_in_int8, blocks_of
from vtryon.compression.sensitivity.int8 import Int8Sensitivity
from vtryon.report.figures.sensitivity import draw


class Trained(FewPairs):
    """Its test pairs are also what it was trained on."""

    def train_dataloader(self):
        return self.test_dataloader()[0]


def int8_layers(net: nn.Module) -> list[nn.Module]:
    return [layer for layer in net.modules() if isinstance(layer, int8.Conv2d)]


@pytest.fixture(scope="module")
def shown():
    return [inputs_of(net_of(), seed, 2) for seed in range(2)]


@pytest.mark.parametrize(
    ("block", "convolutions"),
    [("cost head 2", 3), ("coordinates", 10), ("painted picture", 1), ("generator down 2", 5), ("generator up 2", 5)],
)
def test_a_block_alone_becomes_int8_and_the_network_stays_near(block, convolutions, shown):
    net = net_of()
    alone = alone_in_int8(net, blocks_of(net)[block], shown)
    assert len(int8_layers(alone)) == convolutions
    with torch.no_grad():
        usual, found = net(*shown[0]).image, alone(*shown[0]).image
    assert 0 < (usual - found).abs().mean() < 0.1 * usual.std()


def test_the_blocks_are_all_of_the_network():
    net = net_of()
    blocks = blocks_of(net)
    single = [name for name in blocks if name not in ("warp", "generator") and not name.startswith("all")]
    touched = []
    for name in single:
        blocks[name](net_of(), lambda part: (touched.extend(m for m in part.modules()), part)[1])
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in net.modules())
    # coordinates belong to heads that keep them float when they are int8 themselves
    assert sum(isinstance(layer, nn.Conv2d) for layer in touched) == convolutions + 10 + 1


def test_every_block_has_a_row_and_no_row_is_measured_twice(tmp_path, monkeypatch):
    some = ("cost head 1", "painted picture")
    monkeypatch.setattr(
        "vtryon.compression.sensitivity.int8.blocks_of",
        lambda net: {n: p for n, p in blocks_of(net).items() if n in some},
    )
    asked = Int8Sensitivity(pairs=3, calibration=1, batch=2)(net_of(), Trained(), tmp_path)
    with (tmp_path / "sensitivity.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["block"] for row in rows] == asked["blocks"] == list(some)
    assert all(float(row["mse"]) > 0 and float(row["ssim"]) < 1 for row in rows)
    assert float(rows[0]["epe"]) > 0 == float(rows[1]["epe"])
    monkeypatch.setattr("vtryon.compression.sensitivity.int8.alone_in_int8", None)
    Int8Sensitivity(pairs=3, calibration=1, batch=2)(net_of(), Trained(), tmp_path)
    assert set(draw(tmp_path, "int8")) == {"worst_by_mse", "worst_by_ssim", "worst_by_epe"}
    assert (tmp_path / "figures" / "int8.png").is_file()


def test_a_calibration_without_batches_is_refused():
    with pytest.raises(ValueError, match=r"calibration \(=0\)"):
        Int8Sensitivity(calibration=0)
