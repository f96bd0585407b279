"""A try-on network as runtimes read it: pictures in, image and flow out, in operations that the runtime has."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtryon.models.correlation.formulations import pieces, shifted
from vtryon.models.flow_export import doubled, gather_sample
from vtryon.models.quantized.dequantized import dequantized
from vtryon.models.quantized.network import Int8TryOnNet
from vtryon.models.tryon import TryOnNet
from vtryon.utils.function_overrides import Operations, Replaced

CPU_OVERRIDES: Operations = {  # for ONNX Runtime and OpenVINO
    torch.ops.vtryon.correlate: pieces,
    F.interpolate: lambda x, mode, **options: (
        doubled(x) if mode == "bilinear" else F.interpolate(x, mode=mode, **options)
    ),
}
GATHERED: Operations = {  # batch 1 and no GridSample
    F.grid_sample: lambda image, grid, mode, padding_mode, align_corners: gather_sample(
        image, grid.permute(0, 3, 1, 2), padding_mode
    ),
}
TENSORRT_OVERRIDES: Operations = {torch.ops.vtryon.correlate: shifted, **GATHERED}  # TensorRT 8.2
WEB_OVERRIDES: Operations = {torch.ops.vtryon.correlate: pieces, **GATHERED}  # onnxruntime-web


class ImageAndFlow(nn.Module):
    """person, cloth (b, 3, h, w) in [-1, 1] and cloth_edge (b, 1, h, w) to image and flow, composition included.

    Args:
        overrides: functions, and their replacements while the network runs or is traced.
    """

    def __init__(self, net: nn.Module, overrides: Operations = CPU_OVERRIDES):
        super().__init__()
        self.net, self.overrides = net, overrides

    def forward(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> tuple[Tensor, Tensor]:
        with Replaced(self.overrides):
            try_on = self.net(person, cloth, cloth_edge)
        return try_on.image, try_on.flow


def exportable(net: TryOnNet, overrides: Operations = CPU_OVERRIDES) -> ImageAndFlow:
    """A copy to be traced, on the CPU and in floats; an int8 network computes with floats of int8's values."""
    float_net = dequantized(net) if isinstance(net, Int8TryOnNet) else copy.deepcopy(net).float().cpu()
    return ImageAndFlow(float_net.eval().requires_grad_(False), overrides).eval()
