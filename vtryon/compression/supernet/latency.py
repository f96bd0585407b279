"""Milliseconds of the networks of a supernet: a table of what each block takes, and what follows for any widths."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls

from vtryon.compression.budget.clock import Clock, Times
from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.widths import Choice
from vtryon.models.checkpoint import architecture_of
from vtryon.models.tryon import TryOnNet
from vtryon.utils.atomic import atomic_write
from vtryon.utils.home import with_home
from vtryon.utils.latency import BlockTimes

Table = list[tuple[Choice, Times]]
LADDER, DRAWN = 6, 10  # networks that are measured: from the narrowest to the widest, and at random


class LatencyModel:
    """Each block takes a constant time, and a time for each of its multiply-accumulates, or of its channels.

    Both are fitted, by least squares of relative errors and none below 0, block by block, to networks that are measured
    once: their table is kept in a file for the next search. What a whole try-on takes beyond the sum of its blocks is a
    factor, the same for all.

    Args:
        supernet: whose networks are measured.
        prices: of the same supernet.
        clock: what measures, in one precision or several.
        folder: of the tables, one for each architecture, machine and version of the runtime; None keeps none.
    """

    def __init__(self, supernet: Supernet, prices: Prices, clock: Clock, folder: str | os.PathLike | None = None):
        self.supernet, self.prices, self.clock = supernet, prices, clock
        self.table = _table(supernet, clock, None if folder is None else with_home(folder))
        self.factors = {precision: self._factors(precision) for precision in clock.precisions}
        self.beyond = dict.fromkeys(clock.precisions, 1.0)
        self.error: dict[str, float] = {}  # relative, of the networks measured, the median
        for precision in clock.precisions:
            shares = [times[precision].whole / self.predicted(choice, precision) for choice, times in self.table]
            self.beyond[precision] = float(np.median(shares))
            self.error[precision] = float(np.median(np.abs(np.array(shares) / self.beyond[precision] - 1)))

    def __call__(self, choice: Choice) -> float:
        """In the precision in which it is fastest."""
        return self.predicted(choice, self.fastest(choice))

    def fastest(self, choice: Choice) -> str:
        return min(self.clock.precisions, key=lambda precision: self.predicted(choice, precision))

    def predicted(self, choice: Choice, precision: str) -> float:
        blocks = self.factors[precision]
        return self.beyond[precision] * sum(float(blocks[name] @ work) for name, work in self._work(choice).items())

    def check(self, net: TryOnNet, precision: str) -> tuple[float, float]:
        """Milliseconds that a network takes now, and how many times as long as in the table everything takes now.

        The second is that of the table's first network, timed in turn with it: machines are not always as fast.
        """
        choice, times = self.table[0]
        first_now, now = self.clock([self.supernet.extract(choice), net])
        return now[precision].whole, first_now[precision].whole / times[precision].whole

    def _factors(self, precision: str) -> dict[str, np.ndarray]:
        work = [self._work(choice) for choice, _ in self.table]
        return {
            block: _fitted([each[block] for each in work], [times[precision].blocks[block] for _, times in self.table])
            for block in work[0]
        }

    def _work(self, choice: Choice) -> dict[str, np.ndarray]:
        """What the time of each block is made of: a constant, and what grows with its widths."""
        grows = {"sampling": choice.fpn_channels, "rest": 0.0} | self.prices.gmacs_by_part(choice)
        return {block: np.array([1.0, growing]) for block, growing in grows.items()}


def _table(supernet: Supernet, clock: Clock, folder: Path | None) -> Table:
    """The networks measured and their times, from the folder where it has them."""
    net, space = supernet.net, supernet.space
    key = {"architecture": architecture_of(net), "widths": space.as_dict(), "machine": clock.machine()}
    text = json.dumps(key, sort_keys=True)
    file = None if folder is None else folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if file is not None and file.exists():
        rows = json.loads(file.read_text())["networks"]
        return [(_choice(row["widths"]), {name: BlockTimes(**t) for name, t in row["times"].items()}) for row in rows]
    table = _measured(supernet, clock)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            {"widths": choice._asdict(), "times": {name: t._asdict() for name, t in times.items()}}
            for choice, times in table
        ]
        with atomic_write(file) as temporary:
            temporary.write_text(json.dumps(key | {"networks": rows}, indent=1))
    return table


def _measured(supernet: Supernet, clock: Clock) -> Table:
    generator, space = torch.Generator().manual_seed(0), supernet.space
    choices = [*space.ladder(LADDER), *(space.draw(generator) for _ in range(DRAWN))]
    return list(zip(choices, clock(supernet.extract(choice) for choice in choices), strict=True))


def _choice(widths: dict[str, Any]) -> Choice:
    return Choice(**{name: tuple(value) if isinstance(value, list) else value for name, value in widths.items()})


def _fitted(work: list[np.ndarray], times: list[float]) -> np.ndarray:
    measured = np.maximum(times, 1e-6)  # a block may be too short for the counters
    factors, _ = nnls(np.array(work) / measured[:, None], np.ones(len(measured)))
    return factors
