"""The agnostic view of a person by the 14 parse labels, without the garment worn (ACGPN's labels, PF-AFN's masks)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from vtryon.data.files.label_tables import Parse
from vtryon.data.sample import TryOnBatch
from vtryon.models.tryon import Agnostic

LABELS = 14
NEAR = 1 / 64  # of the picture height: a band around the worn garment, whose colours bleed over its outline
PARTS = 25  # DensePose: background and 24 parts
WORN = (Parse.UPPER_CLOTHES, Parse.NOISE)
FACE = (Parse.HAIR, Parse.FACE)
OTHER_CLOTHES = (
    Parse.LEFT_SHOE,
    Parse.RIGHT_SHOE,
    Parse.PANTS,
    Parse.LEFT_LEG,
    Parse.RIGHT_LEG,
)
ARMS = (Parse.LEFT_ARM, Parse.RIGHT_ARM)
DENSEPOSE_HANDS = (3, 4)
DENSEPOSE_ARMS = tuple(range(15, 23))


def agnostic(batch: TryOnBatch) -> Agnostic:
    """2 parse masks, 25 DensePose parts one-hot and 18 pose maps; what is kept of the photo; the arms."""
    missing = [name for name in ("parse", "densepose", "pose") if getattr(batch, name) is None]
    if missing:
        raise ValueError(
            f"the training set has no {', '.join(missing)}, which the tutor needs: put them into the folder, or take a "
            "recipe without a tutor, such as experiment=distill"
        )
    face, other_clothes, arm = _masks(batch.parse, LABELS, FACE, OTHER_CLOTHES, ARMS)
    hands, arms = _masks(batch.densepose, PARTS, DENSEPOSE_HANDS, DENSEPOSE_ARMS)
    part_ids = torch.arange(PARTS, dtype=torch.uint8, device=batch.densepose.device)
    cond = batch.person.new_empty(len(batch.person), 2 + PARTS + batch.pose.shape[1], *batch.person.shape[2:])
    cond[:, 0], cond[:, 1] = face, other_clothes
    cond[:, 2 : 2 + PARTS] = batch.densepose[:, None] == part_ids[:, None, None]
    cond[:, 2 + PARTS :] = batch.pose
    preserved = (face + other_clothes + arm * hands)[:, None] * batch.person
    return Agnostic(cond, preserved, arms[:, None])


def person_cloth_mask(parse: UInt8[Tensor, "b h w"]) -> Float[Tensor, "b 1 h w"]:
    """Where the person wears the upper garment, 0 or 1."""
    return _masks(parse, LABELS, WORN)[0][:, None]


def unchanged(parse: UInt8[Tensor, "b h w"]) -> Float[Tensor, "b 1 h w"]:
    """Where the photo shows what is not the upper garment, 0 or 1, without a band of `NEAR` around the garment.

    Face, hair and other clothes count up to the garment's outline; arms, neck and background up to the band, in which a
    fringe of the garment would tell a network what was worn.
    """
    still, worn = _masks(parse, LABELS, (*FACE, *OTHER_CLOTHES), WORN)
    reach = max(1, round(NEAR * parse.shape[1]))
    near = F.max_pool2d(worn[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0]
    return torch.maximum(still, 1 - near)[:, None]


def on_top(parse: UInt8[Tensor, "b h w"], densepose: UInt8[Tensor, "b h w"]) -> Float[Tensor, "b 1 h w"]:
    """What no upper garment covers, 0 or 1: face, hair that falls over the shoulders, and hands before the body."""
    head, arms = _masks(parse, LABELS, FACE, ARMS)
    (hands,) = _masks(densepose, PARTS, DENSEPOSE_HANDS)
    return (head + arms * hands)[:, None]


def _masks(ids: UInt8[Tensor, "b h w"], count: int, *groups: tuple[int, ...]) -> Float[Tensor, "g b h w"]:
    """One mask a group of ids, all by one look-up."""
    table = torch.tensor(
        [[float(i in group) for i in range(count)] for group in groups],
        device=ids.device,
    )
    return table.index_select(1, ids.flatten().long()).view(len(groups), *ids.shape)
