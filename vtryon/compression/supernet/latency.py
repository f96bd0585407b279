"""Milliseconds of the networks of a supernet: a table of what each block takes, and what follows for any widths."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls

from vtryon.compression.budget.clock import BlockTimes, Clock
from vtryon.compression.sensitivity.resumable_csv import progress
from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.widths import Choice
from vtryon.models.checkpoint import architecture_of
from vtryon.utils.atomic import atomic_write

Table = list[tuple[Choice, BlockTimes]]
LADDER, DRAWN = 6, 10  # networks that are measured: from the narrowest to the widest, and at random


class LatencyModel:
    """Each block takes a constant time, and a time for each of its multiply-accumulates, or of its channels.

    Both are fitted, by least squares of relative errors and none below 0, block by block, to networks that are measured
    once: their table is kept in a file for the next search. What a whole try-on takes beyond the sum of its blocks is a
    factor, the same for all.

    Args:
        supernet: whose networks are measured.
        prices: of the same supernet.
        clock: what measures; it is left with the precision that the table is in.
        folder: of the tables, one for each architecture, machine and version of the runtime; None keeps none.
        seed: of the networks drawn at random.
    """

    def __init__(
        self, supernet: Supernet, prices: Prices, clock: Clock, folder: str | os.PathLike | None = None, seed: int = 0
    ):
        self.prices = prices
        self.table = _table(supernet, clock, None if folder is None else Path(folder).expanduser(), seed)
        work = [self._work(choice) for choice, _ in self.table]
        self.factors = {
            block: _fitted([w[block] for w in work], [times.blocks[block] for _, times in self.table])
            for block in work[0]
        }
        wholes = np.array([times.whole for _, times in self.table])
        sums = np.array([self._sum(choice) for choice, _ in self.table])
        self.beyond = float(np.median(wholes / sums))
        self.error = float(np.median(np.abs(self.beyond * sums / wholes - 1)))  # relative, of those measured

    def __call__(self, choice: Choice) -> float:
        return self.beyond * self._sum(choice)

    def _sum(self, choice: Choice) -> float:
        return sum(float(np.dot(self.factors[block], work)) for block, work in self._work(choice).items())

    def _work(self, choice: Choice) -> dict[str, tuple[float, float]]:
        """What the time of each block is made of: a constant, and what grows with its widths."""
        gmacs = self.prices.gmacs_by_part(choice)
        grows = {"sampling": choice.fpn_channels, "rest": 0.0} | gmacs
        return {block: (1.0, float(growing)) for block, growing in grows.items()}


def _table(supernet: Supernet, clock: Clock, folder: Path | None, seed: int) -> Table:
    """The networks measured and their times, from the folder where it has them."""
    key = {
        "architecture": architecture_of(supernet.net),
        "widths": supernet.space.as_dict(),
        "machine": clock.machine(),
    }
    text = json.dumps(key, sort_keys=True)
    file = None if folder is None else folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if file is not None and file.exists():
        kept = json.loads(file.read_text())
        clock.precision = kept["precision"]
        return [(_choice(row["widths"]), BlockTimes(row["whole"], row["blocks"])) for row in kept["networks"]]
    table = _measured(supernet, clock, seed)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [{"widths": choice._asdict(), **times._asdict()} for choice, times in table]
        with atomic_write(file) as temporary:
            temporary.write_text(json.dumps({"precision": clock.precision, "networks": rows, **key}, indent=1))
    return table


def _measured(supernet: Supernet, clock: Clock, seed: int) -> Table:
    """The widest network comes first: a clock that may choose its precision does so by it."""
    generator, space = torch.Generator().manual_seed(seed), supernet.space
    choices = [*reversed([*space.ladder(LADDER)]), *(space.draw(generator) for _ in range(DRAWN))]
    table = []
    with progress("milliseconds of blocks", len(choices)) as advance:
        for choice in choices:
            table.append((choice, clock(supernet.extract(choice))))
            advance()
    return table


def _choice(widths: dict[str, Any]) -> Choice:
    return Choice(**{name: tuple(value) if isinstance(value, list) else value for name, value in widths.items()})


def _fitted(work: list[tuple[float, float]], times: list[float]) -> np.ndarray:
    measured = np.maximum(times, 1e-6)  # a block may be too short for the counters
    factors, _ = nnls(np.array(work) / measured[:, None], np.ones(len(measured)))
    return factors
