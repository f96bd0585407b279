"""The project's wandb workspace, built from code: quality against cost, try-ons, training, machines."""

from collections.abc import Sequence

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from vtryon.metrics.registry import direction
from vtryon.report.papers.exhibit import Shown

PANELS = ("unpaired/panel", "paired/panel")  # pictures that every tested run logs
LOSS = "train/total"
SSIM = "paired/ssim.max"
COLUMNS = (SSIM, "unpaired/fd_efficientnet.min", "paired/epe.min", "cost/gmacs", "cost/params_m", "cost/mib")
NAME = "vtryon, published and measured"


def summary_key(number: str) -> str | None:
    """The summary's name of a number of a row; None of a number that wandb does not summarise, such as the latency.

    Scores are named as `Tracking` defines them, costs as `CostRecord` logs them.

    Example:
        >>> summary_key("scores.paired/ssim"), summary_key("cost.gmacs"), summary_key("latency.median_ms")
        ('paired/ssim.max', 'cost/gmacs', None)
    """
    group, _, key = number.partition(".")
    if group == "scores":
        better = direction(key)
        return f"{key}.{better}" if better else key
    return f"{group}/{key}" if group in ("cost", "speed") else None


def summary_keys(shown: Sequence[Shown]) -> list[str]:
    """The summary's names of the columns of an exhibit."""
    return [key for column in shown if (key := summary_key(column.number)) is not None]


def workspace(entity: str, project: str) -> ws.Workspace:
    """The workspace that `save()` would send; runs are grouped by their name, which is their recipe's."""
    fronts = [front(key) for key in ("gmacs", "mib", "params_m")]
    browsers = [wr.MediaBrowser(title=key, media_keys=[key]) for key in PANELS]
    return ws.Workspace(
        entity=entity,
        project=project,
        name=NAME,
        sections=[
            ws.Section(name="Quality against cost", panels=fronts, is_open=True),
            ws.Section(name="Try-ons", panels=browsers, is_open=True),
            ws.Section(name="Training", panels=[loss_plot()]),
            ws.Section(name="Differences", panels=[wr.RunComparer(diff_only="split")]),
        ],
        runset_settings=ws.RunsetSettings(
            groupby=[ws.Config("name")],
            pinned_columns=[f"summary:{key}" for key in COLUMNS],
        ),
    )


def front(key: str) -> wr.ScatterPlot:
    """SSIM against a cost."""
    x = wr.SummaryMetric(f"cost/{key}")
    return wr.ScatterPlot(title=f"SSIM against {key}", x=x, y=wr.SummaryMetric(SSIM), log_x=True)


def loss_plot() -> wr.LinePlot:
    """The training loss of each run."""
    return wr.LinePlot(title="training loss", x="Step", y=[LOSS], log_y=True)
