"""How good the networks of a supernet are, on a fixed set of persons that none of them has learnt from."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.widths import Choice
from vtryon.metrics.realism import frechet_distance
from vtryon.models.tryon import TryOnNet
from vtryon.utils.image import to_uint8

Inputs = tuple[Tensor, Tensor, Tensor]  # persons, garments, masks


class Quality(NamedTuple):
    """Less is better in both."""

    mse: float  # of the try-ons to the teacher's, 8-bit scale
    fd: float  # Fréchet distance of the try-ons to the photos, in the features of the evaluator


class Evaluator:
    """Ask networks of one supernet for the same try-ons.

    Args:
        supernet: whose networks are judged.
        teacher: what they should agree with; it is asked once.
        calibration: batches for the batch-norm statistics of each network.
        held_out: the batches that are judged.
        features: pooled features, uint8 (b, 3, h, w) to (b, d), as in `vtryon.models.features`.

    Raises:
        ValueError: fewer than two persons are held out.
    """

    def __init__(
        self,
        supernet: Supernet,
        teacher: TryOnNet,
        calibration: Sequence[Inputs],
        held_out: Sequence[Inputs],
        features: Callable[[Tensor], Tensor],
    ):
        count = sum(len(person) for person, _, _ in held_out)
        if count < 2:
            raise ValueError(f"data.val_size (={count}) must be at least 2, the persons on which networks are judged")
        self.supernet, self.calibration, self.held_out, self.features = supernet, calibration, held_out, features
        with torch.inference_mode():
            self.taught = _pictures(teacher.eval(), held_out)
            self.real = features(to_uint8(torch.cat([person for person, _, _ in held_out]))).cpu()

    def __call__(self, choice: Choice) -> Quality:
        net = self.supernet.extract(choice, self.calibration)
        with torch.inference_mode():
            pictures = _pictures(net, self.held_out)
            mse = (pictures.double() - self.taught.double()).square().mean()
            features = torch.cat([self.features(batch) for batch in pictures.split(32)]).cpu()
        return Quality(float(mse), frechet_distance(features, self.real))


def _pictures(net: nn.Module, batches: Sequence[Inputs]) -> Tensor:
    return torch.cat([to_uint8(net(*inputs).image) for inputs in batches])
