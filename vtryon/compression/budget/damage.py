"""How much each group of channels matters: the error of the try-on when shares of the group alone are removed."""

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor

from vtryon.compression.budget.groups import Group
from vtryon.compression.sensitivity.channels import correlated_layers, one_missing_each, places_to_mask
from vtryon.compression.sensitivity.resumable_csv import progress
from vtryon.compression.sensitivity.scores import levels
from vtryon.models.tryon import TryOnNet

SHARES = (0.125, 0.25, 0.5, 0.75)
Curve = list[tuple[int, float]]  # channels gone, mean squared error (8-bit scale), from (0, 0.0) on


@torch.inference_mode()
def damage(
    net: TryOnNet, groups: Sequence[Group], samples: Sequence[tuple[Tensor, ...]], shares: Sequence[float] = SHARES
) -> dict[str, Curve]:
    """The curve of each group, over samples that are batches of one; the least important channels go first.

    `net` must be in eval mode.
    """
    correlated = correlated_layers(net)
    counts = {group.name: sorted({int(share * group.width) for share in shares} - {0, group.width}) for group in groups}
    errors = {name: torch.zeros(len(removed), dtype=torch.float64) for name, removed in counts.items()}
    with progress("sensitivity of groups", len(groups) * len(samples)) as advance:
        for inputs in samples:
            unpruned = levels(net(*inputs).image)
            for group in groups:
                masked = [places_to_mask(group.occurrences[channel], correlated) for channel in group.order]
                missing = [list(chain.from_iterable(masked[:count])) for count in counts[group.name]]
                if missing:
                    batch = (picture.expand(len(missing), -1, -1, -1) for picture in inputs)
                    with one_missing_each(net, missing):
                        images = levels(net(*batch).image)
                    errors[group.name] += (images - unpruned).square().mean((1, 2, 3)).cpu() / len(samples)
                advance()
    return {name: [(0, 0.0), *zip(counts[name], errors[name].tolist(), strict=True)] for name in counts}
