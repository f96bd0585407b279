"""Try-on from photos: a person and a garment of any size in, the person in that garment out."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from vtryon.data.cloth_mask import cloth_mask
from vtryon.deploy.letterbox import Letterbox, letterbox
from vtryon.deploy.photo import read_photo, write_photo
from vtryon.deploy.runtime import Batch, Runtime
from vtryon.nn.image import from_uint8, to_uint8


def try_on(
    net: nn.Module,
    person: UInt8[np.ndarray, "h w 3"],
    cloth: UInt8[np.ndarray, "hc wc 3"],
    edge: UInt8[np.ndarray, "hc wc"] | None = None,
    size: tuple[int, int] = (256, 192),
    mask_method: str = "opencv",
) -> UInt8[np.ndarray, "h w 3"]:
    """Dress one person, RGB in 0..255; `edge` is the garment's mask (above 127), made here when it is None."""
    fitting = fit(person, cloth, cloth_mask(cloth, mask_method) if edge is None else edge, size)
    return fitting.box.restore(person, dress(net, [fitting])[0])


class Pair(NamedTuple):
    """One job: the files of a person, a garment and perhaps its mask, and where the result goes."""

    person: Path
    cloth: Path
    edge: Path | None
    out: Path


class Fitting(NamedTuple):
    """A pair as the network sees it, and the person's photo to which the answer goes back."""

    photo: UInt8[np.ndarray, "h w 3"]
    box: Letterbox
    person: UInt8[np.ndarray, "H W 3"]
    cloth: UInt8[np.ndarray, "H W 3"]
    edge: UInt8[np.ndarray, "H W"]


def try_on_files(
    runtime: Runtime,
    pairs: Sequence[Pair],
    size: tuple[int, int],
    batch: int = 4,
    mask_method: str = "opencv",
    strip: bool = False,
    done: Callable[[], object] = lambda: None,
) -> list[str]:
    """Dress all pairs, `batch` at a time, calling `done` after each; the errors of those that failed come back.

    With `strip`, person | garment | mask | try-on as the network sees them lie beside each result as NAME_strip.png.
    """
    if batch < 1:
        raise ValueError(f"batch={batch} must be at least 1")
    failures, waiting = [], deque()

    def batches() -> Iterator[Batch]:
        for start in range(0, len(pairs), batch):
            fitted = []
            for pair in pairs[start : start + batch]:
                try:
                    fitted.append((pair, read_fitting(pair, size, mask_method)))
                except (OSError, ValueError) as error:
                    failures.append(str(error))
                    done()
            if fitted:
                waiting.append(fitted)
                yield batch_of([fitting for _, fitting in fitted])

    for answer in runtime.stream(batches()):
        for (pair, fitting), image in zip(waiting.popleft(), pictures(answer.image), strict=True):
            try:
                write_photo(pair.out, fitting.box.restore(fitting.photo, image))
                if strip:
                    write_photo(pair.out.with_name(f"{pair.out.stem}_strip.png"), _strip(fitting, image))
            except (OSError, ValueError) as error:
                failures.append(f"{pair.out}: {error}")
            done()
    return failures


def read_pairs(path: Path, images: Path, cloths: Path, edges: Path | None, out: Path) -> list[Pair]:
    """The pairs of a VITON list, a line `person.jpg garment.jpg` each; results are OUT/person__garment.png."""
    pairs = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
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


def read_fitting(pair: Pair, size: tuple[int, int], mask_method: str = "opencv") -> Fitting:
    """Read a pair's photos; the mask is the edge file, else the garment's transparency, else made from its photo."""
    person, cloth = read_photo(pair.person), read_photo(pair.cloth)
    source = pair.edge or pair.cloth
    try:
        if pair.edge is not None:
            edge = _read_edge(pair.edge, cloth.image.shape[:2])
        else:
            edge = cloth_mask(cloth.image, mask_method) if cloth.alpha is None else cloth.alpha
        if edge.max() <= 127:
            raise ValueError("the garment's mask is empty; it must be white (opaque) where the garment is")
    except ValueError as error:
        raise ValueError(f"{source}: {str(error).removeprefix(f'{source}: ')}") from error
    return fit(person.image, cloth.image, edge, size)


def fit(
    person: UInt8[np.ndarray, "h w 3"],
    cloth: UInt8[np.ndarray, "hc wc 3"],
    edge: UInt8[np.ndarray, "hc wc"],
    size: tuple[int, int],
) -> Fitting:
    """Bring a pair into the network's size, the person standing on the bottom, the garment in the middle."""
    box = letterbox(person.shape[:2], size, stand=True)
    cloth_box = letterbox(cloth.shape[:2], size)
    return Fitting(person, box, box.fit(person), cloth_box.fit(cloth), cloth_box.fit_mask(edge))


@torch.inference_mode()
def dress(net: nn.Module, fittings: Sequence[Fitting]) -> list[UInt8[np.ndarray, "H W 3"]]:
    """The network's answers to fittings of one size, in one batch."""
    if not fittings:
        return []
    if net.training:
        raise ValueError("the network is in training mode, where a batch changes its statistics; call net.eval() first")
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    return pictures(net(*(each.to(device) for each in batch_of(fittings))).image)


def batch_of(fittings: Sequence[Fitting]) -> Batch:
    """Fittings of one size as tensors: person, cloth, cloth_edge."""
    person, cloth = (
        from_uint8(torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).contiguous())
        for views in ([fitting.person for fitting in fittings], [fitting.cloth for fitting in fittings])
    )
    return person, cloth, torch.from_numpy(np.stack([fitting.edge > 127 for fitting in fittings])[:, None]).float()


def pictures(image: Float[Tensor, "b 3 h w"]) -> list[UInt8[np.ndarray, "H W 3"]]:
    """Try-ons in [-1, 1] as photos have them."""
    return list(to_uint8(image).permute(0, 2, 3, 1).cpu().numpy())


def _read_edge(path: Path, cloth: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """A mask file at the garment photo's (height, width); it may be larger or smaller, but not of other proportions."""
    edge = read_photo(path).image.max(axis=-1)
    height, width = edge.shape
    if abs(np.log(height / width) - np.log(cloth[0] / cloth[1])) > 0.02:
        sizes = f"{width} x {height} pixels and the garment {cloth[1]} x {cloth[0]}"
        raise ValueError(f"the mask is {sizes}; both must show the same picture")
    return edge if edge.shape == cloth else cv2.resize(edge, cloth[::-1], interpolation=cv2.INTER_LINEAR)


def _edge_of(cloth: str, edges: Path | None) -> Path | None:
    """The mask that goes with a garment's file name; a mask may be PNG where the garment is JPEG."""
    if edges is None:
        return None
    names = [
        edges / cloth,
        *((edges / cloth).with_suffix(suffix) for suffix in (".png", ".jpg")),
    ]
    return next((name for name in names if name.is_file()), names[0])


def _strip(fitting: Fitting, answer: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W4 3"]:
    edge = np.repeat(fitting.edge[..., None], 3, axis=-1)
    return np.hstack([fitting.person, fitting.cloth, edge, answer])
