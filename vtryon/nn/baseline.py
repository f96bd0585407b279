"""Paste: what try-on would be without any learning, to be beaten."""

from jaxtyping import Float
from torch import Tensor, nn

from vtryon.nn.flow import identity_grid
from vtryon.nn.tryon import TryOn


class Paste(nn.Module):
    """Lay the garment's picture over the photo, unmoved."""

    def forward(
        self,
        person: Float[Tensor, "b 3 h w"],
        cloth: Float[Tensor, "b 3 h w"],
        cloth_edge: Float[Tensor, "b 1 h w"],
    ) -> TryOn:
        b, _, h, w = person.shape
        flow = identity_grid(h, w, like=person).expand(b, -1, -1, -1)
        garment = cloth * cloth_edge
        image = garment + person * (1 - cloth_edge)
        return TryOn(image, garment, cloth_edge, person, cloth_edge, flow, (flow,), (), ())
