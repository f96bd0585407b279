"""Time is measured in OpenVINO, in a precision that the CPU has, and block by block."""

import pytest
import torch
from narrow import net_of

from vtryon.compression.budget.clock import Clock, precisions_here
from vtryon.deploy.runtime.block_times import block_times
from vtryon.deploy.runtime.module_names import BLOCKS, block_of
from vtryon.deploy.runtime.openvino_graph import openvino_graph

SIZE = (64, 64)


def test_every_layer_belongs_to_the_block_of_its_part():
    net = net_of()
    names = {module: name for name, module in net.named_modules()}
    for part, modules in net.parts().items():
        layers = [layer for module in modules for layer in module.modules() if isinstance(layer, torch.nn.Conv2d)]
        assert {block_of(names[layer]) for layer in layers} == {part}


@pytest.mark.slow
def test_blocks_share_out_the_time_of_a_try_on_and_a_wider_generator_takes_longer_in_its_own():
    narrow, wide = block_times([openvino_graph(net_of(ngf=ngf), SIZE) for ngf in (2, 48)], SIZE, ["f32", "f32"])
    for times in (narrow, wide):
        assert times.blocks.keys() == BLOCKS.keys()
        assert all(milliseconds > 0 for milliseconds in times.blocks.values())
        assert 0.3 * times.whole < sum(times.blocks.values()) < 3 * times.whole  # whatever else the machine does
    assert wide.blocks["generator"] > 2 * narrow.blocks["generator"]


@pytest.mark.slow
def test_a_clock_gives_each_network_its_times_in_each_precision():
    narrow, wide = Clock(SIZE)([net_of(ngf=ngf) for ngf in (2, 64)])
    assert list(narrow) == list(wide) == precisions_here()
    assert all(wide[name].blocks["generator"] > narrow[name].blocks["generator"] for name in wide)


def test_a_precision_that_is_none_or_that_the_cpu_lacks_is_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"target\.precision \(='fp4'\) must be one of f32, bf16, int8, auto"):
        Clock(SIZE, "fp4")
    assert {"f32", "int8"} <= set(precisions_here())
    monkeypatch.setattr("vtryon.compression.budget.clock.precisions_here", lambda: ["f32"])
    with pytest.raises(ValueError, match=r"\(='bf16'\): this CPU does not compute in it; take one of f32"):
        Clock(SIZE, "bf16")
