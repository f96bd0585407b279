"""Networks taken from a supernet beside the same networks trained one by one: do both orders agree?"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from vtryon.report.papers.exhibit import Shown
from vtryon.report.tables.lines import spearman
from vtryon.report.tables.measured import ADDED
from vtryon.report.tables.rows import varied_keys

TAKEN = "from_supernet"  # the compression of a network that a supernet gave
SAME = ["cost.params_m", "cost.gmacs"]  # networks of one family that agree in both have the same widths
FEWEST = 3  # networks, for a rank correlation
NUMBERS = (
    Shown("SSIM paired", "scores.paired/ssim"),
    Shown("MSE to teacher", "scores.unpaired/mse_to_teacher"),
    Shown("FD effnet", "scores.unpaired/fd_efficientnet"),
    Shown("EPE px", "scores.paired/epe"),
)


class Agreement(NamedTuple):
    """One number of networks from a supernet, and of the same networks after trainings of their own."""

    trained: str  # what the trainings have in common, such as "training=distill"
    number: str
    networks: int
    rho: float  # Spearman's rank correlation
    least: float  # of the differences to the own training, in per cent of it
    largest: float


def agreements(runs: pd.DataFrame, numbers: Sequence[Shown] = NUMBERS) -> list[Agreement]:
    """Compare rows with `compression=from_supernet` with trained rows of the same network, number by number.

    Own trainings that differ in more than widths, such as in where they start, are compared apart. Of rows of several
    seeds the mean counts. A number that fewer than three networks have on both sides is left out.

    Args:
        runs: rows of one protocol, as `to_frame` gives them.
    """
    if "compression" not in runs or not set(SAME) <= set(runs):
        return []
    is_taken = runs["compression"] == TAKEN
    taken, own = runs[is_taken], runs[~is_taken & _has_steps(runs)]
    kinds = [key for key in varied_keys(own) if not key.startswith(("model.", "data.")) and key not in ADDED]
    listed = []
    for values, rows in own.groupby(kinds, sort=False) if kinds else [((), own)]:
        for number in numbers:
            if number.number in runs:
                listed += _agreement(_named(kinds, values), number, taken, rows)
    return listed


def _agreement(trained: str, number: Shown, taken: pd.DataFrame, own: pd.DataFrame) -> list[Agreement]:
    means = [rows.groupby(SAME)[number.number].agg(_mean).dropna() for rows in (taken, own)]
    both = pd.concat(means, axis=1, keys=("taken", "own"), join="inner")
    if len(both) < FEWEST or both["taken"].nunique() < 2 or both["own"].nunique() < 2:
        return []
    differences = 100 * (both["taken"] / both["own"] - 1)
    rho, ends = spearman(both["taken"], both["own"]), (float(differences.min()), float(differences.max()))
    return [Agreement(trained, number.head, len(both), rho, *ends)]


def _has_steps(runs: pd.DataFrame) -> pd.Series:
    return pd.to_numeric(runs["steps"], errors="coerce").fillna(0) > 0


def _mean(values: pd.Series) -> float:
    return float(values.astype(float).mean())


def _named(keys: Sequence[str], values: Sequence[str]) -> str:
    return " ".join(f"{key}={value}" for key, value in zip(keys, values, strict=True) if value)
