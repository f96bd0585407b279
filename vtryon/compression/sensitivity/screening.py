r"""A first-order estimate of what a try-on loses with each filter: all in a few passes, instead of one pass each.

The damage itself has no gradient where nothing is missing, since the try-on is there compared with itself. Its
Gauss-Newton approximation has one. To first order the picture changes by :math:`J_k`, the derivative with respect to
how much of filter k goes, and for signs v drawn at random :math:`E[(v^T J_k)^2] = \lVert J_k \rVert^2` (Hutchinson's
estimate; the empirical Fisher information of a picture with Gaussian noise). One backward pass gives :math:`v^T J_k` of
all filters at once. It tells the order of the filters rather than the height of their damage: a filter that goes as a
whole moves a picture less than its derivative promises, since flows and colours are bounded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor, nn

from vtryon.compression.sensitivity.channels import Layer, layers_of
from vtryon.compression.sensitivity.filters import KEY, PUBLISHED
from vtryon.compression.sensitivity.pairs import Pairs, first_pairs
from vtryon.compression.sensitivity.resumable_csv import FILE, ResumableCsv, progress
from vtryon.compression.sensitivity.scores import VALUES, Unpruned, levels, score_filters
from vtryon.models.tryon import TryOnNet

SCREENING = "screening.csv"
Filter = tuple[str, int]  # the name of its layer, and its number there


class FilterScreening:
    """Estimate the damage of all filters, and measure that of the worst ones and of some drawn at random.

    Rows of RUN/screening.csv, one for each pair and filter: the estimated MSE. Rows of RUN/sensitivity.csv, as those of
    `filters.FilterSensitivity`, for the measured filters alone.

    Args:
        layers: patterns of layer names.
        filters: the first so many of each layer; None takes all.
        pairs: how many test pairs, at most.
        split: of the test.
        probes: backward passes a pair; more make a better estimate.
        exact: how many filters are measured, those of the highest estimate.
        sample: how many more, drawn from all filters: on them the estimate is compared with what was measured.
    """

    def __init__(
        self,
        layers: Sequence[str] = PUBLISHED,
        filters: int | None = 64,
        pairs: int = 8,
        split: str = "unpaired",
        probes: int = 8,
        exact: int = 20,
        sample: int = 20,
    ):
        if exact < 1 or sample < 3:
            raise ValueError(
                f"exact (={exact}) must be at least 1, and sample (={sample}) 3, of which ranks can be told"
            )
        self.layers, self.filters, self.pairs, self.split = layers, filters, pairs, split
        self.probes, self.exact, self.sample = probes, exact, sample

    def __call__(self, net: TryOnNet, data: pl.LightningDataModule, folder: Path, seed: int = 0) -> dict[str, Any]:
        """Estimate and measure what the tables lack; returns what the run's row says of them."""
        layers = layers_of(net.eval(), self.layers, self.filters)
        pairs = first_pairs(data, self.pairs, self.split)
        estimates = self._estimate(net, layers, pairs, ResumableCsv(folder / SCREENING, KEY, ("estimated_mse",)), seed)
        worst = sorted(estimates, key=estimates.__getitem__, reverse=True)[: self.exact]
        order = torch.randperm(len(estimates), generator=torch.Generator().manual_seed(seed))
        sample = [list(estimates)[position] for position in order[: self.sample].tolist()]
        table = ResumableCsv(folder / FILE, KEY, VALUES)
        self._measure(net, layers, pairs, table, {*worst, *sample})
        measured = _means(table.rows, "mse")
        correlation = spearmanr([estimates[name] for name in sample], [measured[name] for name in sample]).statistic
        return {
            **{"kind": "filters_screened", "pairs": len(pairs), "split": self.split, "layers": len(layers)},
            **{"filters": len(estimates), "measured": len({*worst, *sample}), "probes": self.probes},
            "rank_correlation_on_sample": round(float(correlation), 3),
        }

    def _estimate(
        self, net: TryOnNet, layers: Sequence[Layer], pairs: Pairs, table: ResumableCsv, seed: int
    ) -> dict[Filter, float]:
        """Mean over pairs of each filter's estimated MSE; a pair whose rows are in the table is not estimated again."""
        with progress("pairs estimated", len(pairs)) as advance:
            for number, pair in enumerate(pairs.names):
                if not table.holds({"pair": pair, "layer": layers[-1].name, "filter": len(layers[-1].filters) - 1}):
                    estimates = estimated_mse(net, pairs.one(number), layers, self.probes, seed + number)
                    table.add(
                        {"pair": pair, "layer": layer.name, "filter": filter_number, "estimated_mse": mse}
                        for layer, of_layer in zip(layers, estimates, strict=True)
                        for filter_number, mse in enumerate(of_layer.tolist())
                    )
                advance()
        return _means(table.rows, "estimated_mse")

    @staticmethod
    def _measure(
        net: TryOnNet, layers: Sequence[Layer], pairs: Pairs, table: ResumableCsv, chosen: set[Filter]
    ) -> None:
        with torch.inference_mode(), progress("filters x pairs", len(chosen) * len(pairs)) as advance:
            for number, pair in enumerate(pairs.names):
                inputs = pairs.one(number)
                unpruned = Unpruned(net(*inputs))
                for layer in layers:
                    of_layer = sorted(filter_number for name, filter_number in chosen if name == layer.name)
                    for filter_number in of_layer:
                        key = {"pair": pair, "layer": layer.name, "filter": filter_number}
                        if not table.holds(key):
                            (score,) = score_filters(net, inputs, unpruned, layer, [filter_number])
                            table.add([key | score])
                        advance()


def _means(rows: Sequence[Mapping[str, str]], column: str) -> dict[Filter, float]:
    """The mean over pairs of a column, a filter; in the rows' order."""
    values: dict[Filter, list[float]] = {}
    for row in rows:
        values.setdefault((row["layer"], int(row["filter"])), []).append(float(row[column]))
    return {name: fmean(of_filter) for name, of_filter in values.items()}


def estimated_mse(
    net: TryOnNet, inputs: Sequence[Tensor], layers: Sequence[Layer], probes: int, seed: int = 0
) -> list[Float[Tensor, " filters"]]:
    """For each layer, the estimated MSE (8-bit scale) of the try-on without each of its filters.

    Args:
        net: in eval mode.
        inputs: person, cloth and cloth_edge, a batch of one.
        probes: random signs a pair, each of which takes a backward pass; the estimate's relative deviation is
            sqrt(2 / probes), and falls further when pairs are averaged.
        seed: of the signs.
    """
    if probes < 1:
        raise ValueError(f"probes (={probes}) must be at least 1")
    gone = [torch.zeros(len(layer.filters), requires_grad=True) for layer in layers]
    signs_of = torch.Generator().manual_seed(seed)
    with torch.enable_grad(), _partly_gone(net, layers, gone):
        picture = levels(net(*inputs).image)
        sums = [torch.zeros(len(share)) for share in gone]
        for _ in range(probes):
            signs = torch.randint(0, 2, picture.shape, generator=signs_of).to(picture).mul_(2).sub_(1)
            gradients = torch.autograd.grad(picture, gone, signs, retain_graph=True)
            for total, gradient in zip(sums, gradients, strict=True):
                total += gradient.cpu() ** 2
    return [total / probes / picture.numel() for total in sums]


@contextmanager
def _partly_gone(net: TryOnNet, layers: Sequence[Layer], gone: Sequence[Tensor]) -> Iterator[None]:
    """Inside the block, filter k of layer i is multiplied by 1 - gone[i][k], where `one_missing_each` would mask it."""
    read: dict[str, list[tuple[int, int, int]]] = {}
    made: dict[str, list[tuple[int, int, int]]] = {}
    for number, layer in enumerate(layers):
        for filter_number, occurrences in enumerate(layer.filters):
            for occurrence in occurrences:
                masks = (read if occurrence.read else made).setdefault(occurrence.layer, [])
                masks += [(channel, number, filter_number) for channel in occurrence.channels]
    hooks = [net.get_submodule(name).register_forward_hook(_scale_output(masks, gone)) for name, masks in made.items()]
    hooks += [
        net.get_submodule(name).register_forward_pre_hook(_scale_input(masks, gone)) for name, masks in read.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _scale_output(masks: list[tuple[int, int, int]], gone: Sequence[Tensor]) -> Callable:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output * _shares_left(masks, gone, output)

    return hook


def _scale_input(masks: list[tuple[int, int, int]], gone: Sequence[Tensor]) -> Callable:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        return inputs[0] * _shares_left(masks, gone, inputs[0])

    return hook


def _shares_left(
    masks: list[tuple[int, int, int]], gone: Sequence[Tensor], features: Float[Tensor, "b c h w"]
) -> Float[Tensor, "c 1 1"]:
    """What is left of each channel; one that several filters share loses the sum of what goes of them."""
    lost = features.new_zeros(features.shape[1])
    for number in sorted({number for _, number, _ in masks}):
        channels = torch.tensor([channel for channel, owner, _ in masks if owner == number], device=features.device)
        filters = torch.tensor([filter_number for _, owner, filter_number in masks if owner == number])
        lost = lost.index_add(0, channels, gone[number][filters].to(features))
    return (1 - lost)[:, None, None]
