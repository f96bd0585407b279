"""Write a procedural VITON folder: same seed, same bytes, whatever the number of workers."""

import json
import multiprocessing
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.sample import (
    make_person,
    make_shop,
    nearest,
    pose,
    reduce,
    to_uint8,
    wear,
)

VERSION = 1  # of the pictures; raise it whenever the same seed gives other bytes
TRAIN, TEST = 0, 1
TEST_OFFSET = 500_000  # test ids start here, so that no id is in both splits
JPEG = (
    cv2.IMWRITE_JPEG_QUALITY,
    95,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)
MARKER, UNFINISHED = "synthetic.json", "synthetic.unfinished.json"


def write_viton(
    root: Path,
    train: int,
    test: int,
    seed: int = 0,
    size: tuple[int, int] = (256, 192),
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Fill `root` with `train` and `test` samples of `size` (height, width); at once when they are there already.

    `progress` is called with (samples written, samples in all). An interrupted call is taken up by the same call.
    """
    root = Path(root)
    parameters = _parameters(train, test, seed, size)
    if not _claim(root, parameters):
        return
    jobs = [(TRAIN, index) for index in range(train)] + [
        (TEST, index) for index in range(test)
    ]
    write = partial(_write_sample, root, seed, tuple(size), test)
    for done, _ in enumerate(_run(write, jobs, workers), start=1):
        if progress is not None:
            progress(done, len(jobs))
    _write_pairs(root / "VITON_test", test)
    (root / UNFINISHED).replace(root / MARKER)


def cloth_of(index: int, test: int) -> int:
    """The unpaired garment of a test person: the next one's."""
    return (index + 1) % test


def _parameters(train: int, test: int, seed: int, size: tuple[int, int]) -> dict:
    if not 0 <= train <= TEST_OFFSET:
        raise ValueError(
            f"train (={train}) must be between 0 and {TEST_OFFSET}: the ids above belong to the test split"
        )
    if not (test == 0 or 2 <= test < TEST_OFFSET):
        raise ValueError(
            f"test (={test}) must be 0 or at least 2: an unpaired pair needs another person's garment"
        )
    if seed < 0:
        raise ValueError(f"seed (={seed}) must not be negative")
    if min(size) < 32 or size[0] % 32 or size[1] % 32:
        raise ValueError(
            f"size (={tuple(size)}) must be (height, width) with both divisible by 32, such as (256, 192)"
        )
    return {
        "generator": "vtryon.data.synthetic",
        "version": VERSION,
        "seed": seed,
        "train": train,
        "test": test,
        "size": list(size),
    }


def _claim(root: Path, parameters: dict) -> bool:
    """False when the folder is complete; an error when it is somebody else's."""
    for name in (MARKER, UNFINISHED):
        if (root / name).exists():
            found = json.loads((root / name).read_text())
            if found != parameters:
                other = {
                    key: found.get(key)
                    for key in parameters
                    if found.get(key) != parameters[key]
                }
                wanted = {key: parameters[key] for key in other}
                raise FileExistsError(
                    f"{root} holds a synthetic set with {other}, not {wanted}; choose another folder or remove it"
                )
            return name == UNFINISHED
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(
            f"{root} holds other files; choose an empty or new folder for the synthetic set"
        )
    root.mkdir(parents=True, exist_ok=True)
    (root / UNFINISHED).write_text(json.dumps(parameters, indent=1) + "\n")
    return True


def _run(write: Callable, jobs: list, workers: int) -> Iterator[None]:
    if workers <= 1:
        yield from map(write, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(
        workers, cv2.setNumThreads, (1,)
    ) as pool:
        yield from pool.imap_unordered(write, jobs, chunksize=4)


def _write_sample(
    root: Path, seed: int, size: tuple[int, int], test: int, job: tuple[int, int]
) -> None:
    split, index = job
    frame = Frame.of(size)
    person, shop = (
        make_person(seed, split, index, frame),
        make_shop(seed, split, index, frame),
    )
    worn = wear(person, shop, frame)
    if split == TRAIN:
        folder, (who, what) = root / "VITON_traindata", names(split, index)
        _save(folder / "train_img" / f"{who}.jpg", worn.image)
        _save_shop(
            folder / "train_color" / f"{what}.jpg",
            folder / "train_edge" / f"{what}.jpg",
            shop,
            frame,
        )
        _save(folder / "train_label" / f"{who}.png", worn.label)
        _save(folder / "train_densepose" / f"{who}.npy", nearest(person.parts, frame))
        _save(folder / "train_flow" / f"{who}.npy", worn.flow)
        people = [
            {"pose_keypoints": np.round(pose(person, frame), 3).reshape(-1).tolist()}
        ]
        _folder(folder / "train_pose" / f"{who}_keypoints.json").write_text(
            json.dumps({"version": 1.0, "people": people})
        )
        return
    folder, (who, what) = root / "VITON_test", names(split, index)
    _save(folder / "test_img" / f"{who}.jpg", worn.image)
    _save_shop(
        folder / "test_clothes" / f"{what}.jpg",
        folder / "test_edge" / f"{what}.jpg",
        shop,
        frame,
    )
    _save(folder / "test_flow" / f"{who}__{what}.npy", worn.flow)
    other = cloth_of(index, test)
    swapped = wear(person, make_shop(seed, split, other, frame), frame)
    pair = f"{who}__{names(split, other)[1]}"
    _save(folder / "test_truth" / f"{pair}.png", swapped.image)
    _save(folder / "test_flow" / f"{pair}.npy", swapped.flow)


def names(split: int, index: int) -> tuple[str, str]:
    """The ids of a sample's person and garment."""
    number = index + TEST_OFFSET * split
    return f"{number:06d}_0", f"{number:06d}_1"


def _save_shop(image: Path, edge: Path, shop, frame: Frame) -> None:
    _save(image, to_uint8(shop.image, frame))
    _save(edge, (reduce(shop.mask, frame) > 0.5).astype(np.uint8) * 255)


def _save(path: Path, array: np.ndarray) -> None:
    """By suffix; RGB pictures. The folder's marker, written last, is what makes all files valid at once."""
    _folder(path)
    if path.suffix == ".npy":
        np.save(path, array)
    elif not cv2.imwrite(
        str(path),
        array[..., ::-1] if array.ndim == 3 else array,
        JPEG if path.suffix == ".jpg" else (),
    ):
        raise OSError(f"{path} could not be written")


def _folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _write_pairs(folder: Path, test: int) -> None:
    for name, other in (
        ("test_pairs.txt", partial(cloth_of, test=test)),
        ("test_pairs_same.txt", lambda index: index),
    ):
        lines = [
            f"{names(TEST, index)[0]}.jpg {names(TEST, other(index))[1]}.jpg\n"
            for index in range(test)
        ]
        _folder(folder / name).write_text("".join(lines))
