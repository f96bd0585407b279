"""Try-on networks: warp the garment, render the person, and compose the two (PF-AFN, sections 3.1 and 3.3)."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vtryon.models.afwm import Warp
from vtryon.models.flow import sample
from vtryon.models.precision import at_least_single

PARTS = ("encoders", "pyramids", "flow", "generator")  # keys of `TryOnNet.parts`
KEEP_BIAS = 1.0  # an untrained network keeps three quarters of the photo


class TryOn(NamedTuple):
    """A person in a garment, and how the network came to it; the same in training and in evaluation."""

    image: Float[Tensor, "b 3 h w"]  # the try-on, [-1, 1]
    warped_cloth: Float[Tensor, "b 3 h w"]  # [-1, 1], 0 off the garment
    warped_edge: Float[Tensor, "b 1 h w"]  # [0, 1]
    rendered: Float[Tensor, "b 3 h w"]  # what the generator would paint everywhere, [-1, 1]
    mask: Float[Tensor, "b 1 h w"]  # [0, 1]: 1 takes the warped garment, 0 the rendered person
    flow: Float[Tensor, "b 2 h w"]  # absolute sampling grid in [-1, 1]
    flows: tuple[Tensor, ...]  # of every level, coarsest first
    offsets: tuple[Tensor, ...]  # pixels of a level, two a level, coarsest first
    person_features: tuple[Tensor, ...]  # person pyramid, coarsest first
    keep: Float[Tensor, "b 1 h w"] | tuple[()] = ()  # [0, 1]: the photo's share of `rendered`; () without that output


class Agnostic(NamedTuple):
    """What the tutor may know of a person: everything but the garment worn."""

    cond: Float[Tensor, "b 45 h w"]  # 1 face and hair, 1 other clothes, 25 DensePose parts, 18 pose maps in -1/+1
    preserved: Float[Tensor, "b 3 h w"]  # face, other clothes and hands of the photo; 0 elsewhere
    arms: Float[Tensor, "b 1 h w"]  # DensePose arms


class TryOnNet(nn.Module):
    """The parser-free network (the student): a photo and a garment are all it needs.

    `trained_on` describes the training data as {"name", "fingerprint"}; None where that is not known. `held_widths` are
    those of the narrower networks on the same weights, as `vtryon.compression.supernet.widths.WidthSpace` takes them;
    None for a network that holds no others.
    """

    trained_on: dict[str, str] | None = None
    held_widths: dict[str, list] | None = None

    def __init__(self, warp: nn.Module, generator: nn.Module):
        super().__init__()
        self.warp, self.generator = warp, generator

    def forward(
        self,
        person: Float[Tensor, "b 3 h w"],
        cloth: Float[Tensor, "b 3 h w"],
        cloth_edge: Float[Tensor, "b 1 h w"],
    ) -> TryOn:
        """`person` and `cloth` in [-1, 1], `cloth_edge` 0 or 1; h and w divisible by 32 (256x192 as published)."""
        warp = self.warp(person, cloth * cloth_edge)
        warped_edge = sample(cloth_edge, warp.flow, padding="zeros")
        return compose(
            warp,
            warped_edge,
            self.generator(torch.cat([person, warp.cloth, warped_edge], dim=1)),
            person,
        )

    def parts(self) -> dict[str, list[nn.Module]]:
        """The modules by role, keys of `PARTS`: encoders, pyramids, the flow network and the generator."""
        encoders, pyramids = zip(*self.warp.pyramids().values(), strict=True)
        modules = (list(encoders), list(pyramids), [self.warp.aflow_net], [self.generator])
        return dict(zip(PARTS, modules, strict=True))

    def output_layers(self) -> dict[str, list[nn.Conv2d]]:
        """The layers whose outputs are no features: `coordinates` (offsets in pixels) and the painted `picture`."""
        return {"coordinates": self.warp.aflow_net.offset_layers(), "picture": [self.generator.picture_layer()]}


class TutorNet(TryOnNet):
    """The parser-based network (PB-AFN, the tutor): it needs the parser's maps, and only training uses it."""

    def forward(
        self,
        agnostic: Agnostic,
        cloth: Float[Tensor, "b 3 h w"],
        cloth_edge: Float[Tensor, "b 1 h w"],
        worn: Float[Tensor, "b 1 h w"] | None = None,
    ) -> TryOn:
        """`worn`: where the garment really is on the photo, known when the tutor itself learns; else it is foreseen."""
        return self.render(agnostic, self.warp(agnostic.cond, cloth * cloth_edge), cloth_edge, worn)

    def teach(
        self,
        agnostic: Agnostic,
        cloth: Float[Tensor, "b 3 h w"],
        cloth_edge: Float[Tensor, "b 1 h w"],
        other_cloth: Float[Tensor, "b 3 h w"],
        other_edge: Float[Tensor, "b 1 h w"],
    ) -> tuple[TryOn, Warp]:
        """The person in the other garment (the student's input), and the own garment warped (the student's lesson).

        Both follow from one look at the person and one pass of the garments.
        """
        person_features = tuple(torch.cat([level, level]) for level in self.warp.look(agnostic.cond))
        warps = self.warp.align(person_features, torch.cat([other_cloth * other_edge, cloth * cloth_edge]))
        return self.render(agnostic, _half(warps, first=True), other_edge), _half(warps, first=False)

    def render(
        self,
        agnostic: Agnostic,
        warp: Warp,
        cloth_edge: Float[Tensor, "b 1 h w"],
        worn: Tensor | None = None,
    ) -> TryOn:
        """Paint the person around a garment already warped."""
        warped_edge = sample(cloth_edge, warp.flow, padding="zeros")
        bare_arms = agnostic.arms * (1 - (warped_edge if worn is None else worn))
        inputs = [agnostic.preserved, warp.cloth, warped_edge, bare_arms]
        return compose(warp, warped_edge, self.generator(torch.cat(inputs, dim=1)))


def compose(
    warp: Warp,
    warped_edge: Float[Tensor, "b 1 h w"],
    painted: Float[Tensor, "b n h w"],
    person: Float[Tensor, "b 3 h w"] | None = None,
) -> TryOn:
    """Take the garment where the generator's mask trusts it, and the rendered person elsewhere.

    A fifth channel of `painted` says how much of the photo `person` the rendered person keeps: a small U-Net then need
    not redraw faces, hair and other clothes, which stay as sharp as in the photo.
    """
    painted = at_least_single(painted)
    rendered, keep = torch.tanh(painted[:, :3]), ()
    if painted.shape[1] == 5:
        keep = torch.sigmoid(painted[:, 4:] + KEEP_BIAS)
        rendered = rendered + keep * (person - rendered)
    mask = torch.sigmoid(painted[:, 3:4]) * warped_edge
    image = warp.cloth * mask + rendered * (1 - mask)
    return TryOn(
        image,
        warp.cloth,
        warped_edge,
        rendered,
        mask,
        warp.flow,
        warp.flows,
        warp.offsets,
        warp.person_features,
        keep,
    )


def _half(warp: Warp, first: bool) -> Warp:
    def cut(value):
        if isinstance(value, tuple):
            return tuple(map(cut, value))
        return value[: len(value) // 2] if first else value[len(value) // 2 :]

    return Warp(*map(cut, warp))
