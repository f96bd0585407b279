"""The project's workspace, built from code: quality against cost, try-ons, training, machines."""

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from vtryon.dashboard.keys import LOSS, PANELS, summary_key

SSIM = summary_key("scores", "paired/ssim")
COLUMNS = (
    "paired/ssim.max",
    "unpaired/fd_efficientnet.min",
    "paired/epe.min",
    "cost/gmacs",
    "cost/params_m",
    "cost/mib",
)
NAME = "vtryon, published and measured"


def workspace(entity: str, project: str) -> ws.Workspace:
    """What `save()` would send; runs are grouped by their name, which is their recipe's."""
    return ws.Workspace(
        entity=entity,
        project=project,
        name=NAME,
        sections=[
            ws.Section(
                name="Quality against cost", panels=[front(key) for key in ("gmacs", "mib", "params_m")], is_open=True
            ),
            ws.Section(
                name="Try-ons", panels=[wr.MediaBrowser(title=key, media_keys=[key]) for key in PANELS], is_open=True
            ),
            ws.Section(name="Training", panels=[wr.LinePlot(title="training loss", x="Step", y=[LOSS], log_y=True)]),
            ws.Section(name="What differs", panels=[wr.RunComparer(diff_only="split")]),
        ],
        runset_settings=ws.RunsetSettings(
            groupby=[ws.Config("name")],
            pinned_columns=[f"summary:{key}" for key in COLUMNS],
        ),
    )


def front(key: str) -> wr.ScatterPlot:
    """SSIM against a cost."""
    return wr.ScatterPlot(
        title=f"SSIM against {key}",
        x=wr.SummaryMetric(summary_key("cost", key)),
        y=wr.SummaryMetric(SSIM),
        log_x=True,
    )
