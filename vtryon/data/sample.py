"""A batch of try-on samples: `TryOnBatch` as networks take it, `Raw` as files hold it and processes ship it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vtryon.data.pose import pose_maps
from vtryon.utils.image import from_uint8


class TryOnBatch(NamedTuple):
    """b samples, every picture (h, w); None where the source has no such thing."""

    person_ids: list[str]  # "000003_0"
    cloth_ids: list[str]  # "000010_1"
    person: Float[Tensor, "b 3 h w"]  # the photo, RGB in [-1, 1]
    cloth: Float[Tensor, "b 3 h w"]  # the garment as photographed, background included, RGB in [-1, 1]
    cloth_edge: Float[Tensor, "b 1 h w"]  # garment mask, exactly 0 or 1
    truth: Float[Tensor, "b 3 h w"] | None  # the person wearing `cloth`, [-1, 1]
    true_flow: Float[Tensor, "b 2 h w"] | None  # absolute sampling grid of `cloth`, x then y; NaN where none is seen
    other_cloth: Float[Tensor, "b 3 h w"] | None  # training: another garment for the tutor to dress, [-1, 1]
    other_edge: Float[Tensor, "b 1 h w"] | None  # its mask, 0 or 1
    parse: UInt8[Tensor, "b h w"] | None  # training: labels 0..13, see `vtryon.data.files.label_tables.Parse`
    densepose: UInt8[Tensor, "b h w"] | None  # training: body parts 0..24
    pose: Float[Tensor, "b 18 h w"] | None  # training: one map a keypoint, -1 and in its square +1


class Raw(NamedTuple):
    """One sample as arrays, or b of them as tensors with a leading b: about a tenth of the bytes of a `TryOnBatch`."""

    person_id: str | list[str]
    cloth_id: str | list[str]
    person: np.ndarray | Tensor  # uint8 (3, h, w) RGB, as all pictures
    cloth: np.ndarray | Tensor
    cloth_edge: np.ndarray | Tensor  # uint8 (h, w), 0..255, garment > 127
    worn: bool  # the person wears `cloth`, so that the photo is the truth
    truth: np.ndarray | Tensor | None = None  # a picture, where `worn` is not so
    true_flow: np.ndarray | Tensor | None = None  # float16 or float32 (2, h, w)
    other_cloth: np.ndarray | Tensor | None = None
    other_edge: np.ndarray | Tensor | None = None
    parse: np.ndarray | Tensor | None = None  # uint8 (h, w)
    densepose: np.ndarray | Tensor | None = None  # uint8 (h, w)
    pose: np.ndarray | Tensor | None = None  # int32 (18, 4), boxes of `vtryon.data.pose.boxes`


def finish(raw: Raw) -> TryOnBatch:
    """Convert a collated batch on the device where it lies."""
    person = from_uint8(raw.person)
    return TryOnBatch(
        person_ids=raw.person_id,
        cloth_ids=raw.cloth_id,
        person=person,
        cloth=from_uint8(raw.cloth),
        cloth_edge=_binary(raw.cloth_edge),
        truth=person if raw.worn else _maybe(from_uint8, raw.truth),
        true_flow=_maybe(Tensor.float, raw.true_flow),
        other_cloth=_maybe(from_uint8, raw.other_cloth),
        other_edge=_maybe(_binary, raw.other_edge),
        parse=raw.parse,
        densepose=raw.densepose,
        pose=None if raw.pose is None else pose_maps(raw.pose, tuple(person.shape[-2:])),
    )


def singles(batches: Iterable[Raw | TryOnBatch]) -> Iterator[TryOnBatch]:
    """The samples of batches, as batches of one."""
    for batch in batches:
        batch = finish(batch) if isinstance(batch, Raw) else batch
        for row in range(len(batch.person)):
            yield TryOnBatch(*(None if value is None else value[row : row + 1] for value in batch))


def worn_otherwise(batch: TryOnBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Photo, another garment and its mask, as in a test that is not paired; the own one where there is no other."""
    if batch.other_cloth is None:
        return batch.person, batch.cloth, batch.cloth_edge
    return batch.person, batch.other_cloth, batch.other_edge


def collate(samples: Sequence[Raw]) -> Raw:
    """Stack samples of one data set; they share `worn` and which fields are None."""
    return Raw(*(_stack(column) for column in zip(*samples, strict=True)))


def _stack(column: tuple):
    first = column[0]
    if isinstance(first, np.ndarray):
        return torch.from_numpy(np.stack(column))
    return list(column) if isinstance(first, str) else first


def _maybe(convert, value):
    return None if value is None else convert(value)


def _binary(edge: UInt8[Tensor, "b h w"]) -> Float[Tensor, "b 1 h w"]:
    """PF-AFN's edge / 255 > 0.5: edges are JPEG files, a few of their pixels are grey."""
    return (edge > 127).view(torch.uint8).float()[:, None]  # a bool converts six times slower
