"""Try-on without learning: the photo as it is, the garment pasted, and the garment warped and pasted."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vtryon.models.flow import identity_grid, sample
from vtryon.models.tryon import TryOn, TutorNet


class Photo(nn.Module):
    """Leave the photo as it is: perfect in all that must be preserved, and in the wrong garment.

    The garment lies unmoved beneath the photo and the mask takes none of it, so that scores of the garment have
    something to compare the photo with. On paired tests the photo is the truth: every network has to bear that in mind.
    """

    def forward(
        self,
        person: Float[Tensor, "b 3 h w"],
        cloth: Float[Tensor, "b 3 h w"],
        cloth_edge: Float[Tensor, "b 1 h w"],
    ) -> TryOn:
        flow = _unmoved(person)
        return TryOn(
            person, cloth * cloth_edge, cloth_edge, person, torch.zeros_like(cloth_edge), flow, (flow,), (), ()
        )


class Paste(nn.Module):
    """Lay the garment's picture over the photo, unmoved."""

    def forward(
        self,
        person: Float[Tensor, "b 3 h w"],
        cloth: Float[Tensor, "b 3 h w"],
        cloth_edge: Float[Tensor, "b 1 h w"],
    ) -> TryOn:
        flow = _unmoved(person)
        garment = cloth * cloth_edge
        image = garment + person * (1 - cloth_edge)
        return TryOn(image, garment, cloth_edge, person, cloth_edge, flow, (flow,), (), ())


class WarpPaste(nn.Module):
    """Lay the garment over the photo as a trained network warps it; its generator paints nothing.

    Args:
        net: takes person, cloth and cloth_edge as a `TryOnNet` does, and answers with a `TryOn`.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        if isinstance(net, TutorNet):
            raise ValueError(
                "net is a TutorNet, which needs a parser's maps of the person; give a parser-free network, such as "
                "parents.net=RUN/model.safetensors of a student"
            )
        self.net = net

    def forward(
        self,
        person: Float[Tensor, "b 3 h w"],
        cloth: Float[Tensor, "b 3 h w"],
        cloth_edge: Float[Tensor, "b 1 h w"],
    ) -> TryOn:
        output = self.net(person, cloth, cloth_edge)
        image, edge = lay_over(person, cloth, cloth_edge, output.flow)
        return output._replace(image=image, warped_edge=edge, rendered=person, mask=edge)


def lay_over(
    picture: Float[Tensor, "b 3 h w"],
    cloth: Float[Tensor, "b 3 h w"],
    cloth_edge: Float[Tensor, "b 1 h w"],
    flow: Float[Tensor, "b 2 h w"],
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
    """The picture with the warped garment over it, and the warped mask in [0, 1].

    Garment and mask are sampled alike, as colours that are multiplied by their opacity: no grey seam at the border.
    """
    edge = sample(cloth_edge, flow, padding="zeros")
    return sample(cloth * cloth_edge, flow, padding="zeros") + picture * (1 - edge), edge


def _unmoved(person: Tensor) -> Tensor:
    b, _, h, w = person.shape
    return identity_grid(h, w, like=person).expand(b, -1, -1, -1)
