"""The best network of a supernet within a budget, as a compression method."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from vtryon.compression.budget.target import Target
from vtryon.compression.importance import Loss
from vtryon.compression.method import CompressionMethod
from vtryon.compression.sensitivity.resumable_csv import progress
from vtryon.compression.supernet.candidates import Evaluator, Quality
from vtryon.compression.supernet.evolution import Evolution, Settings
from vtryon.compression.supernet.latency import LatencyModel
from vtryon.compression.supernet.network import Supernet
from vtryon.compression.supernet.prices import Prices
from vtryon.compression.supernet.source import refuse_other_data, supernet_of
from vtryon.compression.supernet.table import Table, check_objective, scores
from vtryon.compression.supernet.widths import Choice
from vtryon.data.sample import worn_otherwise
from vtryon.models.checkpoint import load_net
from vtryon.models.features.efficientnet import EfficientNetLite0Pooled
from vtryon.models.tryon import TryOnNet
from vtryon.utils.atomic import atomic_write

CANDIDATES, PICKED = "candidates.csv", "picked.json"


class Pick(CompressionMethod):
    """Search the network that a budget allows, and go on with it.

    A target in milliseconds is kept by prediction (`LatencyModel`); the report says what the network really takes, and
    in which precision.
    Every candidate is judged on the persons that the data module holds out for validation, and stands in
    FOLDER/candidates.csv at once, so that a search that was cut short goes on. FOLDER/picked.json names the best.

    Args:
        teacher: file of the network that try-ons are compared with.
        target: what the network may cost at most, as `Target` takes it.
        times: folder where the tables of `LatencyModel` are kept; None measures anew.
        by: what makes a candidate better: "mse" to the teacher's try-ons, "fd", the Fréchet distance to photos, or
            "mixed", the mean of its ranks in both among all candidates.
        size: (height, width) of the pictures.
        folder: of the run.
        features: network of the Fréchet distance.
        population, generations, parents, seed: of the search, as `Settings` has them.
    """

    def __init__(
        self,
        teacher: str | os.PathLike,
        target: Mapping[str, float | str | None],
        times: str | os.PathLike | None = None,
        by: str = "mixed",
        size: tuple[int, int] | list[int] = (256, 192),
        folder: str | os.PathLike = ".",
        features: Callable[[], nn.Module] = EfficientNetLite0Pooled,
        population: int = 16,
        generations: int = 6,
        parents: int = 6,
        seed: int = 0,
    ):
        check_objective(by)
        self.target, self.teacher, self.by, self.size = Target(target, size), teacher, by, tuple(size)
        self.folder, self.features, self.times = Path(folder), features, times
        self.settings = Settings(population, generations, parents, seed)
        self.settings.check()

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
        refuse_other_data(net, teacher, self.teacher)
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
            ranked = evolution.run(lambda choices: scores([table.ask(c, evaluator, advance) for c in choices], self.by))
        best, picked = ranked[0], supernet.extract(ranked[0], calibration)
        costs: dict[str, Any] = {"predicted": price(best)}
        if isinstance(price, LatencyModel):
            precision = price.fastest(best)
            reached, slower = price.check(picked, precision)
            costs |= {"precision": precision, "reached": reached, "slower_than_table": slower}
        else:
            costs["reached"] = self.target.price(picked)
        self._tell(best, costs, table.ask(best, evaluator), len(ranked))
        return picked

    def _price_of(self, supernet: Supernet, prices: Prices) -> Callable[[Choice], float]:
        if self.target.clock is not None:
            return LatencyModel(supernet, prices, self.target.clock, self.times)
        return prices.mib if self.target.kind == "mib" else prices.gmacs

    def _tell(self, best: Choice, costs: dict[str, Any], quality: Quality, count: int) -> None:
        report: dict[str, Any] = {"target": {self.target.kind: self.target.most}, **costs, "by": self.by}
        report |= {"candidates": count, "widths": best._asdict(), "held_out": quality._asdict()}
        with atomic_write(self.folder / PICKED) as temporary:
            temporary.write_text(json.dumps(report, indent=1))
