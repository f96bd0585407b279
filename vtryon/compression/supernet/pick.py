"""The best network of a supernet within a budget, as a compression method."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from vtryon.compression.budget.target import Target
from vtryon.compression.importance import Loss
from vtryon.compression.method import CompressionMethod
from vtryon.compression.sensitivity.resumable_csv import ResumableCsv, progress
from vtryon.compression.supernet.candidates import Evaluator, Quality
from vtryon.compression.supernet.evolution import Evolution, Settings
from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.source import supernet_of
from vtryon.compression.supernet.widths import Choice
from vtryon.data.sample import worn_otherwise
from vtryon.models.checkpoint import load_net
from vtryon.models.features.efficientnet import EfficientNetLite0Pooled
from vtryon.models.tryon import TryOnNet
from vtryon.utils.atomic import atomic_write

CANDIDATES, PICKED = "candidates.csv", "picked.json"
OBJECTIVES = ("mse", "fd", "mixed")


class Pick(CompressionMethod):
    """Search the network that a budget allows, and go on with it.

    Every candidate is judged on the persons that the data module holds out for validation, and stands in
    FOLDER/candidates.csv at once, so that a search that was cut short goes on. FOLDER/picked.json names the best.

    Args:
        teacher: file of the network that try-ons are compared with.
        target: what the network may cost at most, as `Target` takes it.
        by: what makes a candidate better: "mse" to the teacher's try-ons, "fd", the Fréchet distance to photos, or
            "mixed", the mean of its ranks in both among all candidates.
        size: (height, width) of the pictures.
        folder: of the run.
        features: network of the Fréchet distance.
        settings: of the search, as `vtryon.compression.supernet.evolution.Settings` names them.
    """

    def __init__(
        self,
        teacher: str | os.PathLike,
        target: Mapping[str, float | None],
        by: str = "mixed",
        size: tuple[int, int] | list[int] = (256, 192),
        folder: str | os.PathLike = ".",
        features: Callable[[], nn.Module] = EfficientNetLite0Pooled,
        **settings: int,
    ):
        if by not in OBJECTIVES:
            raise ValueError(f"by (={by!r}) must be one of {', '.join(OBJECTIVES)}")
        self.target, self.teacher, self.by, self.size = Target(target, size), teacher, by, tuple(size)
        self.folder, self.features, self.settings = Path(folder), features, Settings(**settings)

    def __call__(self, net: TryOnNet, batches: Iterable = (), loss: Loss | None = None) -> TryOnNet:
        """
        Args:
            net: a supernet, such as `load_net` gives it.
            batches: training batches, with `held_out`, those of validation.

        Raises:
            ValueError: `net` is no supernet, the target is below its narrowest network, or the teacher has learnt from
                other data.
        """
        supernet, teacher = supernet_of(net), load_net(self.teacher)
        _refuse_other_data(net, teacher, self.teacher)
        prices = Prices(supernet, self.size)
        price = self._price_of(supernet, prices)
        bound = self.target.bound(price(supernet.space.widest()))
        try:
            evolution = Evolution(supernet.space, price, bound, self.settings)
        except ValueError as error:
            raise ValueError(f"{self.target} {error}") from error
        calibration = [worn_otherwise(batch) for batch in batches]
        held_out = [worn_otherwise(batch) for batch in batches.held_out]
        table = Table(self.folder / CANDIDATES, prices)
        evaluator = Evaluator(supernet, teacher, calibration, held_out, self.features())
        with progress("candidates", self.settings.population * self.settings.generations) as advance:
            ranked = evolution.run(lambda choices: self._scores([table.ask(c, evaluator, advance) for c in choices]))
        best = ranked[0]
        self._tell(best, price(best), table.ask(best, evaluator), len(ranked))
        return supernet.extract(best, calibration)

    def _price_of(self, supernet: Supernet, prices: Prices) -> Callable[[Choice], float]:
        if self.target.kind == "latency_ms":
            return lambda choice: self.target.price(supernet.extract(choice))
        return prices.mib if self.target.kind == "mib" else prices.gmacs

    def _scores(self, qualities: Sequence[Quality]) -> list[float]:
        columns = {"mse": [quality.mse for quality in qualities], "fd": [quality.fd for quality in qualities]}
        if self.by != "mixed":
            return columns[self.by]
        return np.mean([_ranks(column) for column in columns.values()], axis=0).tolist()

    def _tell(self, best: Choice, price: float, quality: Quality, count: int) -> None:
        report: dict[str, Any] = {"target": {self.target.kind: self.target.most}, "reached": price, "by": self.by}
        report |= {"candidates": count, "widths": best._asdict(), "held_out": quality._asdict()}
        with atomic_write(self.folder / PICKED) as temporary:
            temporary.write_text(json.dumps(report, indent=1))


class Table:
    """RUN/candidates.csv: the widths, cost and quality of every candidate; what stands in it is not asked again."""

    def __init__(self, path: Path, prices: Prices):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.csv, self.prices = ResumableCsv(path, Choice._fields, ("gmacs", "mib", *Quality._fields)), prices
        self.known = {self._key(row): Quality(float(row["mse"]), float(row["fd"])) for row in self.csv.rows}

    def ask(self, choice: Choice, evaluator: Evaluator, advance: Callable[[], None] | None = None) -> Quality:
        cells = {name: _written(value) for name, value in choice._asdict().items()}
        key = self._key(cells)
        if key not in self.known:
            quality = evaluator(choice)
            costs = {"gmacs": self.prices.gmacs(choice), "mib": self.prices.mib(choice)}
            self.csv.add([cells | costs | quality._asdict()])
            self.known[key] = quality
            if advance is not None:
                advance()
        return self.known[key]

    @staticmethod
    def _key(cells: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(cells[name]) for name in Choice._fields)


def _written(value: int | tuple[int, ...]) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _ranks(column: Sequence[float]) -> np.ndarray:
    return np.argsort(np.argsort(column, kind="stable"), kind="stable")


def _refuse_other_data(net: TryOnNet, teacher: TryOnNet, path: str | os.PathLike) -> None:
    learnt = [None if known is None else known.get("name") for known in (net.trained_on, teacher.trained_on)]
    if None not in learnt and learnt[0] != learnt[1]:
        raise ValueError(f"teacher (={path}) has learnt from {learnt[1]}, the supernet from {learnt[0]}; take its own")
