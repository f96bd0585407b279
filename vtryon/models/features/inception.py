"""The Inception features that define the FID (Heusel et al., NeurIPS 2017), by pytorch-fid."""

import os
from unittest import mock

import torch
from jaxtyping import Float, UInt8
from pytorch_fid import inception
from torch import Tensor, nn

from vtryon.models.features.pretrained import WeightFile
from vtryon.models.frozen import Frozen

FID_WEIGHTS = WeightFile("pt_inception-2015-12-05-6726825d.pth", inception.FID_WEIGHTS_URL)


class InceptionPool3(nn.Module):
    """pytorch-fid's 2048 pool3 features of uint8 pictures.

    Args:
        path: the weight file; by default `pt_inception-2015-12-05-6726825d.pth` in torch hub's cache. Without it
            `WeightsNotFoundError` is raised: there is no FID on other features.
    """

    name = "inception_v3"
    columns = ("fid", "kid")
    preprocessing = "uint8 / 255, 299x299 bilinear align_corners=False not antialiased, 2x - 1 (pytorch-fid)"

    def __init__(self, path: str | os.PathLike | None = None):
        super().__init__()
        self._build(FID_WEIGHTS, path)

    def _build(self, file: WeightFile, path: str | os.PathLike | None) -> None:
        weights = file.load(path)
        self.weights_sha256 = weights.sha256
        # pytorch-fid can only fetch its weights itself; hand it the ones that were checked
        with mock.patch.object(inception, "load_state_dict_from_url", return_value=weights.state_dict):
            self.frozen = Frozen(inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[2048]]))

    @torch.no_grad()
    def forward(self, images: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2048"]:
        device = next(self.frozen.net.parameters()).device
        return self.frozen(images.to(device).float() / 255)[0].flatten(1)
