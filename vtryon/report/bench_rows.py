"""Table 5's row, out of the CSV of `vtryon bench correlation`: a line a level and form, and a sum of the levels."""

from collections.abc import Mapping, Sequence
from typing import Any

from vtryon.report.measured import Measured
from vtryon.report.rows import ORIGIN

LOOP = "shifted"  # what the paper calls CorrTorch


def correlation_rows(place: str, lines: Sequence[Mapping[str, str]]) -> list[Measured]:
    """One row: milliseconds of each form over all levels, and how many times as fast as the loop it is.

    >>> times = {"shifted": "150", "unfolded": "75"}
    >>> lines = [{"level": "sum", "form": form, "median_ms": ms} for form, ms in times.items()]
    >>> correlation_rows("bench.csv", lines)[0].row["latency"]["unfolded_acceleration"]
    2.0
    """
    whole = {line["form"]: float(line["median_ms"]) for line in lines if line.get("level") == "sum"}
    if LOOP not in whole:
        return []
    times: dict[str, Any] = dict(whole) | {f"{form}_acceleration": whole[LOOP] / ms for form, ms in whole.items()}
    origin = {key: lines[0][key] for key in ORIGIN if lines[0].get(key)}
    return [Measured(origin | {"name": "correlation", "seed": 0, "varied": {}, "latency": times}, place)]
