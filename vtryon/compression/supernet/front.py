"""What a supernet holds: hundreds of its networks judged, from the narrowest to the widest, and the best of them."""

import csv
import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch import nn

from vtryon.compression.budget.clock import AUTO, Clock, Times
from vtryon.compression.sensitivity.resumable_csv import FILE, progress
from vtryon.compression.supernet.candidates import Evaluator, Quality
from vtryon.compression.supernet.evolution import Evolution, Settings
from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.source import refuse_other_data, supernet_of
from vtryon.compression.supernet.table import Table, check_objective, scores
from vtryon.compression.supernet.widths import Choice
from vtryon.data.sample import finish, worn_otherwise
from vtryon.models.checkpoint import load_net
from vtryon.models.features.efficientnet import EfficientNetLite0Pooled
from vtryon.models.tryon import TryOnNet
from vtryon.utils.atomic import atomic_write

FRONT = "front.csv"


class WidthFront:
    """Search the networks of a supernet at several budgets of work; each search is as `Pick` does it.

    Rows of RUN/sensitivity.csv: every network judged, with widths, GMACs, MiB and its quality on the persons held out.
    RUN/front.csv: those of them that none is better than at the same work, with the milliseconds of a try-on in
    OpenVINO on this machine, all timed in turn, in the precision in which each is fastest.

    Args:
        teacher: file of the network that try-ons are compared with.
        budgets: how many, equally far apart in proportion, between the narrowest network and the widest.
        by: what makes a candidate better, as for `Pick`.
        calibration: training batches for the batch-norm statistics of each network.
        precision: in which the front is timed, as `vtryon.compression.budget.clock.Clock` takes it.
        features: network of the Fréchet distance.
        population, generations, parents: of each search, as `Settings` has them.
    """

    def __init__(
        self,
        teacher: str | os.PathLike,
        budgets: int = 8,
        by: str = "mixed",
        calibration: int = 8,
        precision: str = AUTO,
        features: Callable[[], nn.Module] = EfficientNetLite0Pooled,
        population: int = 12,
        generations: int = 4,
        parents: int = 4,
    ):
        check_objective(by)
        for name, value in {"budgets": budgets, "calibration": calibration}.items():
            if value < 1:
                raise ValueError(f"{name} (={value}) must be a whole number of at least 1")
        self.teacher, self.budgets, self.by = teacher, budgets, by
        self.calibration, self.precision, self.features = calibration, precision, features
        self.settings = Settings(population, generations, parents)
        self.settings.check()

    def __call__(self, net: TryOnNet, data: pl.LightningDataModule, folder: Path, seed: int = 0) -> dict[str, Any]:
        """Judge what RUN/sensitivity.csv lacks; returns what the run's row says of it.

        Raises:
            ValueError: `net` is no supernet, or the teacher has learnt from other data.
        """
        supernet, teacher = supernet_of(net.cpu()), load_net(self.teacher)
        refuse_other_data(net, teacher, self.teacher)
        clock = Clock(tuple(data.size), self.precision)  # what it lacks is told before hours of search
        data.setup("fit")
        prices = Prices(supernet, tuple(data.size))
        training = [worn_otherwise(finish(raw)) for raw in islice(data.train_dataloader(), self.calibration)]
        held_out = [worn_otherwise(finish(raw)) for raw in data.val_dataloader()]
        evaluator = Evaluator(supernet, teacher, training, held_out, self.features())
        table, judged = Table(folder / FILE, prices), {}
        settings = self.settings._replace(seed=seed)
        bounds = self._bounds(supernet, prices)
        with progress("networks", len(bounds) * settings.population * settings.generations) as advance:
            for bound in bounds:
                evolution = Evolution(supernet.space, prices.gmacs, bound, settings)
                ranked = evolution.run(lambda asked: scores([table.ask(c, evaluator, advance) for c in asked], self.by))
                judged |= {choice: table.ask(choice, evaluator) for choice in ranked}
        best = front({choice: (prices.gmacs(choice), quality) for choice, quality in judged.items()}, self.by)
        times = clock(supernet.extract(choice) for choice in best)
        _write(folder / FRONT, [(choice, judged[choice], of) for choice, of in zip(best, times, strict=True)], prices)
        return {"kind": "widths", "networks": len(judged), "front": len(best), "held_out": len(evaluator.real)}

    def _bounds(self, supernet: Supernet, prices: Prices) -> list[float]:
        ends = (prices.gmacs(supernet.space.narrowest()), prices.gmacs(supernet.space.widest()))
        return np.geomspace(ends[0] * 1.0001, ends[1], self.budgets).tolist()


def _write(path: Path, rows: Iterable[tuple[Choice, Quality, Times]], prices: Prices) -> None:
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("widths", "gmacs", "mib", "ms", "precision", "mse", "fd"))
        for choice, quality, times in rows:
            fastest = min(times, key=lambda precision: times[precision].whole)
            costs = (f"{number:.5g}" for number in (prices.gmacs(choice), prices.mib(choice), times[fastest].whole))
            writer.writerow((str(choice), *costs, fastest, *(f"{number:.5g}" for number in quality)))


def front(judged: dict[Choice, tuple[float, Quality]], by: str) -> list[Choice]:
    """The choices that none is better than at the same cost or less, the cheapest first."""
    prices, qualities = zip(*judged.values(), strict=True)
    best, least = [], np.inf
    for _, rank, choice in sorted(zip(prices, scores(qualities, by), judged, strict=True)):
        if rank < least:
            best.append(choice)
            least = rank
    return best
