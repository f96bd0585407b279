"""A VITON folder as samples: files are matched by id, never by their order in a folder."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset

from vtryon.data import decode
from vtryon.data.files import TEST, TRAIN, DataError, cloth_folder, listing, partner, read
from vtryon.data.header import FaultError
from vtryon.data.pairs import Pairs
from vtryon.data.pose import boxes
from vtryon.data.sample import Raw


class Record(NamedTuple):
    """The files of one sample; None where the folder has no such thing."""

    person_id: str
    cloth_id: str
    person: str
    cloth: str
    edge: str
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
    ):
        self.records, self.size, self.seed = records, size, seed
        self.garments = sorted({(r.cloth_id, r.cloth, r.edge) for r in records}) if draw_others else []
        self.place = {garment[0]: place for place, garment in enumerate(self.garments)}
        if len(self.garments) == 1:
            raise ValueError(f"a training set needs 2 garments to exchange, it has only {self.garments[0][0]}")

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: int | tuple[int, int]) -> Raw:
        """`key` is (epoch, index), or the index alone in epoch 0."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        record = self.records[index]
        photo = read(record.person, decode.photo)
        own, given = self._garment(record.cloth, record.edge), (None, None)
        if self.garments:
            given = self._garment(*self._other(record, epoch)[1:])
        label, densepose = (
            path and decode.resized_ids(_like(photo, path, read(path, decoder)), self.size)
            for path, decoder in ((record.label, decode.labels), (record.densepose, decode.densepose))
        )
        return Raw(
            record.person_id,
            record.cloth_id,
            person=self._planes(photo),
            cloth=own[0],
            cloth_edge=own[1],
            worn=record.worn,
            truth=record.truth and self._planes(read(record.truth, decode.photo)),
            true_flow=record.flow and decode.resized_flow(read(record.flow, decode.flow), self.size),
            other_cloth=given[0],
            other_edge=given[1],
            parse=label,
            densepose=densepose,
            pose=record.pose and boxes(read(record.pose, decode.keypoints), self.size, photo.shape[:2]),
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
        return self.garments[drawn + (drawn >= self.place[record.cloth_id])]

    def _garment(self, cloth: str, edge: str) -> tuple[np.ndarray, np.ndarray]:
        photo = read(cloth, decode.photo)
        return self._planes(photo), decode.resized(_like(photo, edge, read(edge, decode.mask)), self.size)

    def _planes(self, photo: np.ndarray) -> np.ndarray:
        return decode.planes(decode.resized(photo, self.size))


def _like(photo: np.ndarray, path: str, found: np.ndarray) -> np.ndarray:
    """What was found for each pixel of `photo`, at whatever size: of another shape it belongs to another picture."""
    height, width = photo.shape[:2]
    if abs(found.shape[0] * width - found.shape[1] * height) > max(height, width) * 2:  # two pixels off by rounding
        detail = f"{found.shape[0]}x{found.shape[1]}, but its photo is {height}x{width} (height x width)"
        raise DataError.at(path, FaultError("wrong size", detail))
    return found


def match_training(root: str | os.PathLike, pairs: Pairs) -> list[Record]:
    """Training samples: the person wears the garment."""
    match = training_matcher(root)
    return [match(*pair) for pair in pairs.ids]


def training_matcher(root: str | os.PathLike) -> Callable[[str, str], Record]:
    """(person, cloth) → their sample; what has no file raises a `DataError`."""
    folder = Path(root) / TRAIN
    person, cloth, edge = (_Files(folder / name) for name in ("train_img", "train_color", "train_edge"))
    label, pose, densepose = (_Files(folder / name) for name in ("train_label", "train_pose", "train_densepose"))
    flow = _Files(folder / "train_flow", optional=True)
    return lambda who, what: Record(
        *(who, what, person[who], cloth[what], edge[what]),
        worn=True,
        flow=flow[who],
        label=label[who],
        densepose=densepose[who],
        pose=pose[who],
    )


def match_test(root: str | os.PathLike, pairs: Pairs, worn: bool) -> list[Record]:
    """Test samples of a pair list; `worn` where it pairs each person with the garment of the photo."""
    folder = Path(root) / TEST
    person, cloth, edge = (
        _Files(folder / "test_img"),
        _Files(cloth_folder(root)),
        _Files(folder / "test_edge"),
    )
    truth, flow = (_Files(folder / name, optional=True) for name in ("test_truth", "test_flow"))
    return [
        Record(
            *(who, what, person[who], cloth[what], edge[what], worn),
            truth=None if worn else truth[f"{who}__{what}"],
            flow=flow[f"{who}__{what}"],
        )
        for who, what in pairs.ids
    ]


class _Files:
    """The files of a folder by id; an optional folder that is not there answers None to each id."""

    def __init__(self, folder: Path, optional: bool = False):
        self.folder = folder
        self.found = None if optional and not folder.is_dir() else listing(folder)

    def __getitem__(self, name: str) -> str | None:
        return None if self.found is None else partner(self.found, self.folder, name)
