"""A network that OpenVINO runs, where a torch network is expected: it is asked, judged and drawn like one."""

from pathlib import Path

import openvino
import torch
from torch import Tensor, nn

from vtryon.deploy.runtime_openvino import OpenVINORuntime
from vtryon.nn.flow import sample
from vtryon.nn.tryon import TryOn, TryOnNet


class OnOpenVINO(nn.Module):
    """It gives the try-on and the flow; what is painted and where is not among the outputs of an exported model.

    Args:
        model: of `vtryon.deploy.openvino_graph`, quantised or not.
        net: the network that it was made of.
        size: (height, width).
        batch: as many pictures at once.
        precision: what is computed where the model does not say it, a key of `runtime_openvino.HINTS`.
    """

    def __init__(
        self, model: openvino.Model, net: TryOnNet, size: tuple[int, int], batch: int, precision: str = "int8"
    ):
        super().__init__()
        self.model, self.made_of, self.precision = model, [net], precision  # in a list: its weights are not this one's
        self.runtime = OpenVINORuntime(model.clone(), precision, size, batch)

    @torch.no_grad()
    def forward(self, person: Tensor, cloth: Tensor, cloth_edge: Tensor) -> TryOn:
        """As `TryOnNet`."""
        answer = self.runtime(person.cpu(), cloth.cpu(), cloth_edge.cpu())
        image, flow = (each.to(person.device) for each in answer)
        warped, edge = sample(cloth * cloth_edge, flow), sample(cloth_edge, flow, padding="zeros")
        return TryOn(image, warped, edge, None, None, flow, (), (), ())

    def save(self, path: Path, half: bool = False) -> float:
        """Write PATH (.xml) and its weights beside it (.bin); returns the MiB of the weights."""
        path.parent.mkdir(parents=True, exist_ok=True)
        openvino.save_model(self.model, path, compress_to_fp16=half)
        return path.with_suffix(".bin").stat().st_size / 2**20
