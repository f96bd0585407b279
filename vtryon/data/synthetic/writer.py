"""Write a procedural VITON folder: same seed, same bytes, whatever the number of workers."""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import cv2

from vtryon.data.files.fingerprint import DRAWN_MARK
from vtryon.data.synthetic.sample_files import TEST, TEST_OFFSET, names, unpaired, write, write_test, write_train
from vtryon.utils.atomic import atomic_write
from vtryon.utils.pool import fresh_processes

VERSION = 1  # of the pictures; raise it whenever the same seed gives other bytes
MARKER, UNFINISHED = DRAWN_MARK, "synthetic.unfinished.json"


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
    root, size = Path(root), tuple(size)
    _check(train, test, seed, size)
    parameters = {"version": VERSION, "seed": seed, "train": train, "test": test, "size": list(size)}
    if not _claim(root, parameters):
        return
    jobs = [partial(write_train, root, seed, size, index) for index in range(train)]
    jobs += [partial(write_test, root, seed, size, test, index) for index in range(test)]
    for done, _ in enumerate(_run(jobs, workers), start=1):
        if progress is not None:
            progress(done, len(jobs))
    _write_pairs(root / "VITON_test", test)
    _mark(root / MARKER, parameters)
    (root / UNFINISHED).unlink(missing_ok=True)


def _check(train: int, test: int, seed: int, size: tuple[int, int]) -> None:
    if not 0 <= train <= TEST_OFFSET:
        raise ValueError(f"train (={train}) must be in 0..{TEST_OFFSET}: the ids above belong to the test split")
    if not (test == 0 or 2 <= test <= TEST_OFFSET):
        raise ValueError(f"test (={test}) must be 0 or in 2..{TEST_OFFSET}: a pair needs another person's garment")
    if seed < 0:
        raise ValueError(f"seed (={seed}) must not be negative")
    if min(size) < 32 or any(pixels % 32 for pixels in size):
        raise ValueError(f"size (={size}) must be (height, width), both divisible by 32, such as (256, 192)")


def _claim(root: Path, parameters: dict) -> bool:
    """Whether there is something to write; an error when the folder is somebody else's."""
    for name in (MARKER, UNFINISHED):
        if (root / name).exists():
            written_parameters = json.loads((root / name).read_text())
            if written_parameters != parameters:
                raise FileExistsError(
                    f"{root} holds a set of {written_parameters}, not {parameters}; remove it or choose another"
                )
            return name == UNFINISHED
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(f"{root} holds files that are no procedural set; choose an empty or new folder")
    _mark(root / UNFINISHED, parameters)
    return True


def _mark(path: Path, parameters: dict) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(parameters, indent=1) + "\n")


def _run(jobs: Iterable[Callable[[], None]], workers: int) -> Iterator[None]:
    if workers <= 1:
        yield from map(_call, jobs)
        return
    with fresh_processes(workers, cv2.setNumThreads, 1) as pool:
        yield from pool.imap_unordered(_call, jobs, chunksize=4)


def _call(job: Callable[[], None]) -> None:
    job()


def _write_pairs(folder: Path, test: int) -> None:
    lists = {"test_pairs.txt": partial(unpaired, test=test), "test_pairs_same.txt": lambda index: index}
    for name, garment_of in lists.items():
        pairs = (f"{names(TEST, index)[0]}.jpg {names(TEST, garment_of(index))[1]}.jpg\n" for index in range(test))
        write(folder / name, "".join(pairs).encode())
