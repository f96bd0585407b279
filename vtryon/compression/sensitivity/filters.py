"""Figures F5 and F6: what the try-on loses when the warp loses one filter, filter by filter.

One pass serves many filters, a different one missing in each sample of a batch (`channels`).

Tried and dropped: computing only what follows the touched layer, all else being cached. It was 1.4 times as fast at the
demo's widths and 2.8 times at full width, where 40 of 69 GMACs follow any filter of an encoder.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from vtryon.compression.sensitivity.channels import Layer, layers_of
from vtryon.compression.sensitivity.cross_check import differences_to_removal
from vtryon.compression.sensitivity.pairs import first_pairs
from vtryon.compression.sensitivity.resumable_csv import FILE, ResumableCsv, progress
from vtryon.compression.sensitivity.scores import VALUES, Unpruned, score_filters
from vtryon.models.tryon import TryOnNet

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
        batch: filters that one pass serves.
        check: in how many layers a filter is also removed for good, to compare the numbers; 0 leaves that out.
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
        layers = layers_of(net.eval(), self.layers, self.filters)
        pairs, table = first_pairs(data, self.pairs, self.split), ResumableCsv(folder / FILE, KEY, VALUES)
        count = sum(len(layer.filters) for layer in layers)
        with (
            torch.inference_mode(),
            progress("filters x pairs", count * len(pairs), len(table.rows)) as advance,
        ):
            for number, name in enumerate(pairs.names):
                due = {layer: self._due(layer, name, table) for layer in layers}
                if any(due.values()):
                    inputs = pairs.one(number)
                    unpruned = Unpruned(net(*inputs))
                    for layer, filters in due.items():
                        for batch_start in range(0, len(filters), self.batch):
                            batch = filters[batch_start : batch_start + self.batch]
                            scores = score_filters(net, inputs, unpruned, layer, batch)
                            table.add(
                                {"pair": name, "layer": layer.name, "filter": number_in_layer} | score
                                for number_in_layer, score in zip(batch, scores, strict=True)
                            )
                            advance(len(batch))
        agreement = differences_to_removal(net, layers, pairs, self.check) if self.check else {}
        about = {"kind": "filters", "pairs": len(pairs), "split": self.split, "filters": count, "layers": len(layers)}
        return about | ({"against_removal": agreement} if agreement else {})

    @staticmethod
    def _due(layer: Layer, pair: str, table: ResumableCsv) -> list[int]:
        return [
            number
            for number in range(len(layer.filters))
            if not table.holds({"pair": pair, "layer": layer.name, "filter": number})
        ]
