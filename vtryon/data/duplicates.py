"""Pictures that stand in a data set twice: by the bytes of their files, whatever their names."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from vtryon.data.viton import Record


class Duplicates(NamedTuple):
    """Training samples whose photo came before, and test samples that share a picture with the training set."""

    within_training: int
    shared_with_training: int


def without_duplicates(records: Sequence[Record]) -> list[Record]:
    """The samples whose photo has not come before in the list, by its bytes: each picture counts once."""
    contents = content_ids(record.person for record in records)
    seen_contents: set[str] = set()
    unique = []
    for record in records:
        content = contents[record.person]
        if content not in seen_contents:
            unique.append(record)
        seen_contents.add(content)
    return unique


def count_duplicates(train: Sequence[Record], test: Sequence[Record]) -> Duplicates:
    """Count both kinds; a test sample is shared where its photo or its garment is a picture of a training sample."""
    paths = [path for record in (*train, *test) for path in (record.person, record.cloth)]
    contents = content_ids(paths)
    photos = {contents[record.person] for record in train}
    training_contents = photos | {contents[record.cloth] for record in train}
    shared = [record for record in test if {contents[record.person], contents[record.cloth]} & training_contents]
    return Duplicates(len(train) - len(photos), len(shared))


def content_ids(paths: Iterable[str]) -> dict[str, str]:
    """For each file a name of its content: equal names, equal bytes.

    Files of a length that no other has are not read.
    """
    lengths = {path: Path(path).stat().st_size for path in dict.fromkeys(paths)}
    usual = Counter(lengths.values())
    return {path: str(length) if usual[length] == 1 else _digest(path) for path, length in lengths.items()}


def _digest(path: str) -> str:
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
