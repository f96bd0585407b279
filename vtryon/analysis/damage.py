"""How much each group of channels matters: the try-on's error when shares of it are gone, all else being whole."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vtryon.analysis.channels import felt, one_missing_each
from vtryon.analysis.groups import Group
from vtryon.analysis.kept import progress
from vtryon.analysis.pairs import levels
from vtryon.analysis.remembered import Remembered
from vtryon.nn.quick import quick
from vtryon.nn.tryon import TryOnNet

SHARES = (0.125, 0.25, 0.5, 0.75)
Curve = list[tuple[int, float]]  # channels gone, mean squared error (8-bit scale), from (0, 0.0) on


@torch.inference_mode()
def damage(
    net: TryOnNet, groups: Sequence[Group], questions: Sequence[tuple[Tensor, ...]], shares: Sequence[float] = SHARES
) -> dict[str, Curve]:
    """The curve of each group, over questions that are batches of one; the least important channels go first."""
    fast = quick(net)
    gone = {group.name: sorted({int(share * group.width) for share in shares} - {0, group.width}) for group in groups}
    sums = {name: [0.0] * len(counts) for name, counts in gone.items()}
    with progress("sensitivity of groups", len(groups) * len(questions)) as advance:
        for question in questions:
            remembered = Remembered(fast, question)
            usual = levels(remembered.usual.image)
            for group in groups:
                if counts := gone[group.name]:
                    missing = [[p for k in group.order[:count] for p in felt(group.places[k])] for count in counts]
                    touched = {place.layer for places in missing for place in places}
                    with one_missing_each(fast, missing):
                        found = levels(remembered.ask(len(counts), touched).image)
                    for place, error in enumerate((found - usual).square().mean((1, 2, 3)).tolist()):
                        sums[group.name][place] += error / len(questions)
                advance()
    return {name: [(0, 0.0), *zip(gone[name], sums[name], strict=True)] for name in gone}
