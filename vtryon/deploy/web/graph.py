"""A try-on network as the ONNX graph that onnxruntime-web reads: static, opset 17, no GridSample.

Sampling is written out because WebGPU's GridSample came late; the cost volume is matrix products, as on a CPU.
"""

import copy
from collections.abc import Sequence

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from vtryon.deploy.export.pairs import Pair
from vtryon.deploy.export.post_training import quantize_onnx
from vtryon.deploy.runtime.exportable import WEB_OVERRIDES
from vtryon.deploy.runtime.onnx_graph import OPSET, onnx_graph
from vtryon.models.tryon import TryOnNet

FEW = 64  # numbers that are not worth a narrower type


def web_graph(net: TryOnNet, size: tuple[int, int], pairs: Sequence[Pair] | None, half: bool) -> onnx.ModelProto:
    """`net` for one pair of pictures of (height, width).

    Args:
        pairs: from which int8 learns its ranges; None does not quantize.
        half: store in f16 what f16 holds exactly: the weights of a `rounded` network. Its norms stay apart from its
            convolutions, whose weights would be rounded once more; the runtime joins them when it opens the file.
    """
    model = onnx_graph(net, size, overrides=WEB_OVERRIDES, opset=OPSET, keep_norms=half)
    if pairs is not None:
        model = quantize_onnx(model, net, pairs)
    if half:
        _narrow(model)
    return model


def rounded(net: TryOnNet) -> TryOnNet:
    """A copy whose convolutions have weights that f16 holds exactly.

    Raises:
        ValueError: a weight leaves the range of f16.
    """
    net = copy.deepcopy(net).float().cpu().eval()
    for name, layer in net.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            for parameter in layer.parameters(recurse=False):
                parameter.data = parameter.data.to(torch.float16).float()
                if not torch.isfinite(parameter).all():
                    raise ValueError(f"{name} holds weights beyond f16's range of 65504; export with --precision f32")
    return net


def _narrow(model: onnx.ModelProto) -> None:
    """Store as f16 what loses nothing by it, widened where it is read."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) <= FEW:
            continue
        wide, name = numpy_helper.to_array(tensor), tensor.name
        narrow = wide.astype(np.float16)
        if (narrow.astype(np.float32) == wide).all():
            tensor.CopyFrom(numpy_helper.from_array(narrow, f"{name}/f16"))
            casts.append(helper.make_node("Cast", [f"{name}/f16"], [name], f"{name}/widen", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
