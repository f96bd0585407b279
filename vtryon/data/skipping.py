"""`data.on_bad=skip`: which training samples can be used at all, and why the others cannot."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from vtryon.data.files import decode
from vtryon.data.files.pairs import Pairs
from vtryon.data.files.reader import DataError
from vtryon.data.viton import Record, VitonSet

SHOWN = 20  # of the reasons in the log
log = logging.getLogger(__name__)


class Skipped(NamedTuple):
    """A training sample that is left out."""

    person_id: str
    reason: str


def usable(
    match: Callable[[str, str], Record], pairs: Pairs, size: tuple[int, int], read_labels: Callable = decode.labels
) -> tuple[list[Record], list[Skipped]]:
    """Match and read every sample of `pairs` once, before the first step, and leave out what cannot be read.

    That costs the reading of one epoch, and keeps the order of samples the same on all processes and after a resume.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda pair: _try(match, pair, size, read_labels), pairs.ids))
    skipped = [outcome for outcome in outcomes if isinstance(outcome, Skipped)]
    for sample in skipped[:SHOWN]:
        log.warning("skipped %s: %s", sample.person_id, sample.reason)
    if skipped:
        log.warning("%d of %d training samples are skipped (data.on_bad=skip)", len(skipped), len(outcomes))
    return [outcome for outcome in outcomes if not isinstance(outcome, Skipped)], skipped


def _try(
    match: Callable[[str, str], Record], pair: tuple[str, str], size: tuple[int, int], read_labels: Callable
) -> Record | Skipped:
    try:
        record = match(*pair)
        _ = VitonSet([record], size, read_labels=read_labels)[0]
    except DataError as error:
        return Skipped(pair[0], str(error))
    return record
