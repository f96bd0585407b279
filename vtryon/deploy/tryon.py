"""Try-on from photos: a person and a garment of any size in, the person in that garment out; without torch."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from vtryon.data.cloth_mask import garment_mask
from vtryon.data.files.names import PICTURES
from vtryon.data.files.pairs import list_text
from vtryon.deploy.framing import Frame, upper_body
from vtryon.deploy.letterbox import Letterbox, letterbox
from vtryon.deploy.photo import read_mask as read_mask_file
from vtryon.deploy.photo import read_photo, write_photo
from vtryon.deploy.runtime.arrays import Answers, Arrays
from vtryon.utils.image import from_uint8, to_uint8

log = logging.getLogger(__name__)


Stream = Callable[[Iterable[Arrays]], Iterator[Answers]]  # many batches through a network, in their order


class Pair(NamedTuple):
    """The files of one try-on: a person, a garment and perhaps its mask, and the result."""

    person: Path
    cloth: Path
    edge: Path | None
    out: Path


class PreparedPair(NamedTuple):
    """A pair in the network's size, and the person's photo into which the try-on is put back."""

    photo: UInt8[np.ndarray, "h w 3"]
    frame: Frame | None  # the part of the photo that the network sees; None for all of it
    box: Letterbox  # where that part lies in `person`
    person: UInt8[np.ndarray, "H W 3"]
    cloth: UInt8[np.ndarray, "H W 3"]
    edge: UInt8[np.ndarray, "H W"]

    def restore(self, try_on: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
        """The photo with the changes of `try_on`, in the network's size."""
        if self.frame is None:
            return self.box.restore(self.photo, try_on)
        photo, dressed = np.ascontiguousarray(self.photo[self.frame.inside]), self.photo.copy()
        weight = self.frame.weight(self.photo.shape[:2])
        dressed[self.frame.inside] = cv2.blendLinear(self.box.restore(photo, try_on), photo, weight, 1 - weight)
        return dressed


def try_on_files(
    stream: Stream,
    pairs: Sequence[Pair],
    size: tuple[int, int],
    batch: int = 4,
    mask_method: str = "opencv",
    strip: bool = False,
    done: Callable[[], object] = lambda: None,
) -> list[str]:
    """Try on all pairs, `batch` at a time, calling `done` after each; returns the errors of those that failed.

    `stream` is that of a `vtryon.deploy.runtime.openvino_arrays.OpenVINOArrays`, or `vtryon.deploy.in_torch.stream_of`.
    With `strip`, NAME_strip.png beside each result shows person | garment | mask | try-on in the network's size.
    """
    if batch < 1:
        raise ValueError(f"batch={batch} must be at least 1")
    failures: list[str] = []
    queue: deque[list[tuple[Pair, PreparedPair]]] = deque()

    def batches() -> Iterator[Arrays]:
        for first in range(0, len(pairs), batch):
            readable = []
            for pair in pairs[first : first + batch]:
                try:
                    readable.append((pair, read_pair(pair, size, mask_method)))
                except (OSError, ValueError) as error:
                    failures.append(str(error))
                    done()
            if readable:
                queue.append(readable)
                yield batch_of([prepared for _, prepared in readable])

    for result in stream(batches()):
        for (pair, prepared), image in zip(queue.popleft(), photos(result.image), strict=True):
            try:
                write_photo(pair.out, prepared.restore(image))
                if strip:
                    write_photo(pair.out.with_name(f"{pair.out.stem}_strip.png"), _strip(prepared, image))
            except (OSError, ValueError) as error:
                failures.append(f"{pair.out}: {error}")
            done()
    return failures


def read_pairs(path: Path, images: Path, cloths: Path, edges: Path | None, out: Path) -> list[Pair]:
    """The pairs of a VITON list, a line `person.jpg garment.jpg` each; results are OUT/person__garment.png."""
    pairs = {}
    try:
        lines = list_text(path.read_bytes()).splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: no text ({error}); a list has lines `person.jpg garment.jpg`") from error
    for number, line in enumerate(lines, start=1):
        names = line.split()
        if not names:
            continue
        if len(names) != 2:
            raise ValueError(f"{path}:{number}: expected `person.jpg garment.jpg`, got {line!r}")
        person, cloth = names
        target = out / f"{Path(person).stem}__{Path(cloth).stem}.png"
        pair = Pair(images / person, cloths / cloth, _edge_of(cloth, edges), target)
        if pairs.setdefault(target, pair) != pair:
            raise ValueError(f"{path}:{number}: {line!r} would overwrite {target}; stems must differ")
    if not pairs:
        raise ValueError(f"{path}: names no pair; each line is `person.jpg garment.jpg`")
    return list(pairs.values())


def read_pair(pair: Pair, size: tuple[int, int], mask_method: str = "opencv") -> PreparedPair:
    """Read a pair's photos; the mask is the edge file, else the garment's cut-out, else made from its photo."""
    person, cloth = read_photo(pair.person), read_photo(pair.cloth)
    source = pair.edge or pair.cloth
    try:
        if pair.edge is not None:
            edge = _read_edge(pair.edge, cloth.image.shape[:2])
        else:
            edge = garment_mask(cloth.image, cloth.alpha, mask_method)
        if edge.max() <= 127:
            raise ValueError("the garment's mask is empty; it must be white (opaque) where the garment is")
    except ValueError as error:
        raise ValueError(f"{source}: {str(error).removeprefix(f'{source}: ')}") from error
    prepared = prepare(person.image, cloth.image, edge, size)
    if prepared.frame is not None:
        log.warning("%s: only the upper body is dressed, %s", pair.person, prepared.frame)
    return prepared


def prepare(
    person: UInt8[np.ndarray, "h w 3"],
    cloth: UInt8[np.ndarray, "hc wc 3"],
    edge: UInt8[np.ndarray, "hc wc"],
    size: tuple[int, int],
) -> PreparedPair:
    """Bring a pair into the network's size: the upper body stands on the bottom, the garment lies in the middle."""
    frame = upper_body(person, size)
    shown = person if frame is None else np.ascontiguousarray(person[frame.inside])
    box = letterbox(shown.shape[:2], size, stand=True)
    cloth_box = letterbox(cloth.shape[:2], size)
    return PreparedPair(person, frame, box, box.fit(shown), cloth_box.fit(cloth), cloth_box.fit_mask(edge))


def batch_of(pairs: Sequence[PreparedPair]) -> Arrays:
    """Pairs of one size as a network reads them."""
    person, cloth = (
        np.ascontiguousarray(from_uint8(np.stack(pictures)).transpose(0, 3, 1, 2))
        for pictures in zip(*((pair.person, pair.cloth) for pair in pairs), strict=True)
    )
    return person, cloth, np.stack([pair.edge > 127 for pair in pairs])[:, None].astype(np.float32)


def photos(image: Float32[np.ndarray, "b 3 h w"]) -> list[UInt8[np.ndarray, "H W 3"]]:
    """Try-ons in [-1, 1] as 8-bit RGB.

    Raises:
        FloatingPointError: one is not finite, and would be a picture like any other in 8 bits.
    """
    broken = int((~np.isfinite(image)).any(axis=(1, 2, 3)).sum())
    if broken:
        remedy = "its numbers overflow; take its float32 form, or another network"
        raise FloatingPointError(f"{broken} of {len(image)} try-ons of this network are not finite: {remedy}")
    return [np.ascontiguousarray(picture) for picture in to_uint8(image).transpose(0, 2, 3, 1)]


def _read_edge(path: Path, cloth: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """A mask file at the garment photo's (height, width); it may be larger or smaller, but not of other proportions."""
    edge = read_mask_file(path).pixels
    height, width = edge.shape
    if abs(np.log(height / width) - np.log(cloth[0] / cloth[1])) > 0.02:
        sizes = f"{width} x {height} pixels and the garment {cloth[1]} x {cloth[0]}"
        raise ValueError(f"the mask is {sizes}; both must show the same picture")
    return edge if edge.shape == cloth else cv2.resize(edge, cloth[::-1], interpolation=cv2.INTER_LINEAR)


def _edge_of(cloth: str, edges: Path | None) -> Path | None:
    """The mask that goes with a garment's file name; a mask may be PNG where the garment is JPEG."""
    if edges is None:
        return None
    names = [edges / cloth, *((edges / cloth).with_suffix(suffix) for suffix in PICTURES)]
    return next((name for name in names if name.is_file()), names[0])


def _strip(pair: PreparedPair, try_on: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W4 3"]:
    edge = np.repeat(pair.edge[..., None], 3, axis=-1)
    return np.hstack([pair.person, pair.cloth, edge, try_on])
