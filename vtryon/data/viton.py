"""A VITON folder as samples: files are matched by id, never by their order in a folder."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset

from vtryon.data.densepose.body_parts import draw_body_parts
from vtryon.data.files import decode
from vtryon.data.files.header import FaultError
from vtryon.data.files.layouts import Layout, Split
from vtryon.data.files.pairs import Pairs
from vtryon.data.files.reader import DataError, files_of, layout_of, partner, read
from vtryon.data.pose import boxes
from vtryon.data.sample import Raw


class Record(NamedTuple):
    """The files of one sample; None where the folder has no such thing."""

    person_id: str
    cloth_id: str
    person: str
    cloth: str
    edge: str | None
    worn: bool  # the person wears `cloth` in the photo
    truth: str | None = None
    flow: str | None = None
    label: str | None = None
    densepose: str | None = None
    pose: str | None = None


class VitonSet(Dataset):
    """Samples of `records`, each picture at `size` (h, w).

    With `draw_others` a sample also has another garment of the set. Which one depends on the seed, the epoch and the
    person alone: not on workers, on processes or on where training was interrupted.
    """

    def __init__(
        self,
        records: Sequence[Record],
        size: tuple[int, int],
        draw_others: bool = False,
        seed: int = 0,
        read_labels: Callable[[bytes], np.ndarray] = decode.labels,
    ):
        self.records, self.size, self.seed, self.read_labels = records, size, seed, read_labels
        self.garments = sorted({(r.cloth_id, r.cloth, r.edge) for r in records}) if draw_others else []
        self.garment_index = {garment[0]: index for index, garment in enumerate(self.garments)}
        if len(self.garments) == 1:
            raise ValueError(f"a training set needs 2 garments to exchange, it has only {self.garments[0][0]}")

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: int | tuple[int, int]) -> Raw:
        """`key` is (epoch, index), or the index alone in epoch 0."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        record = self.records[index]
        maps = [
            (path, read(path, decoder))
            for path, decoder in ((record.label, self.read_labels), (record.densepose, decode.densepose))
            if path
        ]
        photo = read(record.person, partial(decode.photo, drawn=[ids.shape for _, ids in maps]))
        own_garment, other_garment = self._garment(record.cloth, record.edge), (None, None)
        if self.garments:
            other_garment = self._garment(*self._other(record, epoch)[1:])
        ids = {path: decode.resized_ids(_like(photo, path, map_), self.size) for path, map_ in maps}
        labels, densepose = ids.get(record.label), ids.get(record.densepose)
        keypoints = record.pose and read(record.pose, partial(decode.keypoints, photo=photo.shape[:2]))
        if densepose is None and labels is not None and keypoints is not None:
            densepose = draw_body_parts(labels, keypoints * np.divide(self.size, photo.shape[:2])[::-1])
        return Raw(
            record.person_id,
            record.cloth_id,
            person=self._planes(photo),
            cloth=own_garment[0],
            cloth_edge=own_garment[1],
            worn=record.worn,
            truth=record.truth and self._planes(read(record.truth, decode.photo)),
            true_flow=record.flow and decode.resized_flow(read(record.flow, decode.flow), self.size),
            other_cloth=other_garment[0],
            other_edge=other_garment[1],
            parse=labels,
            densepose=densepose,
            pose=None if keypoints is None else boxes(keypoints, self.size, photo.shape[:2]),
        )

    def files(self) -> Iterator[str]:
        """Every file that the samples are made of."""
        for record in self.records:
            yield from (path for path in record[2:] if isinstance(path, str))

    def _other(self, record: Record, epoch: int) -> tuple[str, str, str]:
        """A garment that is not the sample's own, uniformly."""
        name = f"{self.seed}/{epoch}/{record.person_id}/{record.cloth_id}"
        number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
        drawn = number % (len(self.garments) - 1)
        return self.garments[drawn + (drawn >= self.garment_index[record.cloth_id])]

    def _ids(self, photo: np.ndarray, path: str | None, decoder: Callable[[bytes], np.ndarray]) -> np.ndarray | None:
        return path and decode.resized_ids(_like(photo, path, read(path, decoder)), self.size)

    def _garment(self, cloth: str, edge: str) -> tuple[np.ndarray, np.ndarray]:
        mask = read(edge, decode.mask)
        photo = read(cloth, partial(decode.photo, drawn=[mask.shape]))
        return self._planes(photo), decode.resized(_like(photo, edge, mask), self.size)

    def _planes(self, photo: np.ndarray) -> np.ndarray:
        return decode.planes(decode.resized(photo, self.size))


def _like(photo: np.ndarray, path: str, pixel_map: np.ndarray) -> np.ndarray:
    """What was found for each pixel of `photo`, at whatever size: of another shape it belongs to another picture."""
    height, width = photo.shape[:2]
    off_by = abs(pixel_map.shape[0] * width - pixel_map.shape[1] * height)
    if off_by > max(height, width) * 2:  # two pixels off by rounding
        detail = f"{pixel_map.shape[0]}x{pixel_map.shape[1]}, but its photo is {height}x{width} (height x width)"
        raise DataError.at(path, FaultError("wrong size", detail))
    return pixel_map


def match_training(root: str | os.PathLike, pairs: Pairs, layout: Layout | None = None) -> list[Record]:
    """Training samples: the person wears the garment."""
    match = training_matcher(root, layout)
    return [match(*pair) for pair in pairs.ids]


def training_matcher(root: str | os.PathLike, layout: Layout | None = None) -> Callable[[str, str], Record]:
    """(person, cloth) → their sample; what has no file in a folder that is there raises a `DataError`.

    Folders of masks, parse maps, poses and body parts may be missing: recipes that learn from a network need none.
    """
    layout = layout or layout_of(root)
    files = {kind: _Files(root, layout, layout.train, kind) for kind in Split._fields[1:]}
    return lambda person_id, cloth_id: Record(
        *(person_id, cloth_id, files["person"][person_id], files["cloth"][cloth_id], files["edge"][cloth_id]),
        worn=True,
        flow=files["flow"][person_id],
        label=files["labels"][person_id],
        densepose=files["densepose"][person_id],
        pose=files["pose"][person_id],
    )


def match_test(root: str | os.PathLike, pairs: Pairs, worn: bool, layout: Layout | None = None) -> list[Record]:
    """Test samples of a pair list; `worn` where it pairs each person with the garment of the photo."""
    layout = layout or layout_of(root)
    files = {kind: _Files(root, layout, layout.test, kind) for kind in Split._fields[1:]}
    labels = files["labels"].files or {}
    labelled = all(person_id in labels for person_id, _ in pairs.ids)  # all, or no score may use them
    return [
        Record(
            *(person_id, cloth_id, files["person"][person_id], files["cloth"][cloth_id], files["edge"][cloth_id], worn),
            truth=None if worn else files["truth"][f"{person_id}__{cloth_id}"],
            flow=files["flow"][f"{person_id}__{cloth_id}"],
            label=files["labels"][person_id] if labelled else None,
        )
        for person_id, cloth_id in pairs.ids
    ]


class _Files:
    """The files of one kind by id; of photos and garments each must be there, of the others where the folder is."""

    def __init__(self, root: str | os.PathLike, layout: Layout, split: Split, kind: str):
        self.folder = Path(root) / (getattr(split, kind) or "")
        self.files = files_of(root, layout, split, kind)
        if self.files is None and kind in ("person", "cloth"):
            raise DataError.at(self.folder / "*", FaultError("missing folder", "photos and garments are needed"))

    def __getitem__(self, name: str) -> str | None:
        return None if self.files is None else partner(self.files, self.folder, name)
