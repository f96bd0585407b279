"""The form for inference gives the same try-on, without the norms that follow a convolution."""

import torch
from narrow import inputs_of, net_of
from torch import nn

from vtryon.models.inference import quick


def test_the_form_for_inference_gives_the_same_try_on():
    net, inputs = net_of().double(), inputs_of(net_of().double(), count=2)
    fast = quick(net)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in fast.modules()) < 40
    with torch.no_grad():
        for ours, theirs in zip(fast(*inputs)[:6], net(*inputs)[:6], strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


def test_the_network_itself_is_left_as_it_was():
    net = net_of().train()
    norms = sum(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())
    quick(net)
    assert net.training
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in net.modules()) == norms
