"""A try-on network as engines read it: pictures in, image and flow out, in operations that the engine has."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vtryon.nn.correlation_forms import pieces, shifted
from vtryon.nn.flow_forms import doubled, gather_sample
from vtryon.nn.operations import Operations, Replaced
from vtryon.nn.quantised import Int8TryOnNet
from vtryon.nn.quantised_floats import in_floats
from vtryon.nn.tryon import TryOnNet

INPUTS, OUTPUTS = ("person", "cloth", "cloth_edge"), ("image", "flow")

ENGINE: Operations = {
    torch.ops.vtryon.correlate: pieces,
    F.interpolate: lambda x, mode, **options: (
        doubled(x) if mode == "bilinear" else F.interpolate(x, mode=mode, **options)
    ),
}
BOARD: Operations = {  # TensorRT 8.2: batch 1 and no GridSample
    torch.ops.vtryon.correlate: shifted,
    F.grid_sample: lambda image, grid, mode, padding_mode, align_corners: gather_sample(
        image, grid.permute(0, 3, 1, 2), padding_mode
    ),
}


class Pictures(nn.Module):
    """person, cloth (b, 3, h, w) in [-1, 1] and cloth_edge (b, 1, h, w) to image and flow, composition included.

    Args:
        operations: what takes the place of which function while the network runs or is traced.
    """

    def __init__(self, net: nn.Module, operations: Operations = ENGINE):
        super().__init__()
        self.net, self.operations = net, operations

    def forward(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> tuple[Tensor, Tensor]:
        with Replaced(self.operations):
            answer = self.net(person, cloth, cloth_edge)
        return answer.image, answer.flow


def exportable(net: TryOnNet, operations: Operations = ENGINE) -> Pictures:
    """A copy to be traced, on the CPU and in floats: of a network that learnt int8, floats of int8's values."""
    own = in_floats(net) if isinstance(net, Int8TryOnNet) else copy.deepcopy(net).float().cpu()
    return Pictures(own.eval().requires_grad_(False), operations).eval()
