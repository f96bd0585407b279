"""What wandb calls the numbers of a row: scores as `Tracking` defines them, costs as `CostRecord` logs them."""

from vtryon.callbacks.directions import best
from vtryon.report.exhibit import Shown

PANELS = ("unpaired/panel", "paired/panel")  # pictures that every tested run logs
LOSS = "train/total"


def summary_key(group: str, key: str) -> str | None:
    """The summary's name of a number of a row; None of what is no summary, such as the latency.

    Example:
        >>> summary_key("scores", "paired/ssim"), summary_key("cost", "gmacs"), summary_key("latency", "median_ms")
        ('paired/ssim.max', 'cost/gmacs', None)
    """
    if group == "scores":
        end = None if key.endswith("_to_teacher") and key.startswith("seen/") else best(key)
        return f"{key}.{end}" if end else key
    return f"{group}/{key}" if group in ("cost", "speed") else None


def summary_keys(shown: list[Shown]) -> list[str]:
    """Of the columns of an exhibit."""
    return [key for one in shown if (key := summary_key(one.group, one.key)) is not None]
