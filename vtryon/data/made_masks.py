"""Garment masks made from the garment pictures, once, into a cache: for folders without masks or with torn ones."""

import hashlib
import logging
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from vtryon.data.cloth_mask import VERSION, cloth_mask
from vtryon.data.files import decode
from vtryon.data.files.header import FaultError
from vtryon.data.files.reader import DataError, content, read
from vtryon.data.viton import Record
from vtryon.utils.atomic import atomic_write
from vtryon.utils.home import with_home

SHOWN = 5  # of the garments whose given mask is kept, in the log
log = logging.getLogger(__name__)


def with_made_masks(records: Sequence[Record], cache: str | os.PathLike) -> list[Record]:
    """The samples with masks made from their garment pictures (`vtryon.data.cloth_mask`).

    About 30 ms a garment, the first time; then they lie in CACHE/masks/VERSION under the content of the picture. A
    garment that does not stand out of its backdrop, or fills its picture, keeps the given mask, with a warning.

    Raises:
        DataError: such a garment has no mask that was given.
    """
    made_masks = make_masks({record.cloth for record in records}, cache)
    with_given_mask = sorted({record.cloth for record in records if made_masks[record.cloth] is None and record.edge})
    if with_given_mask:
        shown = ", ".join(with_given_mask[:SHOWN])
        log.warning(
            "%d garments do not stand out of their backdrop and keep the given mask: %s", len(with_given_mask), shown
        )
    for record in records:
        if made_masks[record.cloth] is None and not record.edge:
            detail = "the garment does not stand out of its backdrop; put a mask beside it, white on black"
            raise DataError.at(record.cloth, FaultError("no mask", detail))
    return [record._replace(edge=made_masks[record.cloth] or record.edge) for record in records]


def make_masks(cloths: Iterable[str], cache: str | os.PathLike) -> dict[str, str | None]:
    """Each garment picture with the PNG file of its mask, or None where none can be made."""
    cloths, folder = sorted(cloths), with_home(cache) / "masks" / VERSION
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(cloths, pool.map(lambda cloth: _make_mask(cloth, folder), cloths), strict=True))


def _make_mask(cloth: str, folder: Path) -> str | None:
    name = hashlib.blake2b(content(cloth), digest_size=16).hexdigest()
    path = folder / name[:2] / f"{name}.png"
    if not path.is_file():
        try:
            mask = cloth_mask(read(cloth, decode.photo)[..., ::-1])
        except ValueError:
            return None
        with atomic_write(path) as temporary:
            cv2.imwrite(str(temporary), mask)
    return str(path) if _is_clear(path) else None


def _is_clear(path: Path) -> bool:
    """Whether the loader reads the mask as it was made: a close-up that fills its picture looks inverted."""
    data = path.read_bytes()
    try:
        return bool((decode.mask(data) == cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)).all())
    except FaultError:
        return False
