"""Figures F5 and F6: what the try-on loses when the warp loses one filter, filter by filter.

Nothing before the touched layer is computed again, the other branch rests, and one pass answers for many filters, a
different one missing in each sample (`remembered`, `channels`, `quick`). What remains is what the filter changes: at
full width and 256x192 some 40 of 69 GMACs, most of them in the flow's finest level and in the generator.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from vtryon.analysis.channels import Layer, layers_of
from vtryon.analysis.compared import compared
from vtryon.analysis.kept import FILE, Kept, progress
from vtryon.analysis.pairs import first_pairs
from vtryon.analysis.remembered import Remembered
from vtryon.analysis.scores import VALUES, Usual, scored
from vtryon.nn.quick import quick
from vtryon.nn.tryon import TryOnNet

KEY = ("pair", "layer", "filter")
PUBLISHED = ("warp.*_features.encoders.?.[12].block.2",)  # the twenty convolutions that a norm follows


class FilterSensitivity:
    """Remove one filter at a time, with all that hangs on it, and compare the try-on with the unpruned one.

    Rows of RUN/sensitivity.csv, one for each pair and filter: MSE and SSIM of the try-on (8-bit scale, not rounded),
    and how far the flow's points moved on average, in pixels.

    Args:
        layers: patterns of layer names; those of the pyramids are "warp.*_FPN.*", of the flow "warp.aflow_net.*".
        filters: the first so many of each layer; None takes all.
        pairs: how many test pairs, at most.
        split: of the test.
        batch: filters that one pass answers for.
        check: in how many layers a filter is also removed for good, to compare numbers and time; 0 leaves that out.
    """

    def __init__(
        self,
        layers: Sequence[str] = PUBLISHED,
        filters: int | None = 64,
        pairs: int = 8,
        split: str = "unpaired",
        batch: int = 8,
        check: int = 2,
    ):
        self.layers, self.filters, self.pairs = layers, filters, pairs
        self.split, self.batch, self.check = split, batch, check

    def __call__(self, net: TryOnNet, data: pl.LightningDataModule, folder: Path, seed: int = 0) -> dict[str, Any]:
        """Measure what RUN/sensitivity.csv lacks; returns what the run's row says of it."""
        layers = layers_of(net, self.layers, self.filters)
        pairs, table = first_pairs(data, self.pairs, self.split), Kept(folder / FILE, KEY, VALUES)
        count, fast = sum(len(layer.filters) for layer in layers), quick(net)
        with (
            torch.inference_mode(),
            progress("filters x pairs", count * len(pairs), len(table.rows)) as advance,
        ):
            for number, name in enumerate(pairs.names):
                due = {layer: self._due(layer, name, table) for layer in layers}
                if any(due.values()):
                    remembered = Remembered(fast, pairs.one(number))
                    usual = Usual(remembered.usual)
                    for layer, filters in due.items():
                        for start in range(0, len(filters), self.batch):
                            some = filters[start : start + self.batch]
                            scores = scored(remembered, usual, layer, some)
                            table.add(
                                {"pair": name, "layer": layer.name, "filter": one} | score
                                for one, score in zip(some, scores, strict=True)
                            )
                            advance(len(some))
        found = compared(net, fast, layers, pairs, self.batch, self.check) if self.check else {}
        about = {"kind": "filters", "pairs": len(pairs), "split": self.split, "filters": count, "layers": len(layers)}
        return about | ({"against_removal": found} if found else {})

    @staticmethod
    def _due(layer: Layer, pair: str, table: Kept) -> list[int]:
        return [
            number
            for number in range(len(layer.filters))
            if not table.holds({"pair": pair, "layer": layer.name, "filter": number})
        ]
