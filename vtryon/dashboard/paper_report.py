"""A wandb report for each published table: what was printed, what was measured, and the runs behind it."""

import wandb_workspaces.expr as expr
import wandb_workspaces.reports.v2 as wr

from vtryon.dashboard.keys import LOSS, PANELS, summary_keys
from vtryon.dashboard.workspace import front
from vtryon.report.markdown import markdown
from vtryon.report.reproduction import Reproduction

RUN = "reproduction"  # job type of the runs that hold the tables


def paper_report(one: Reproduction, entity: str, project: str) -> wr.Report:
    """What `save()` would send; its sets of runs name no project, and so are of its own."""
    return wr.Report(
        entity=entity,
        project=project,
        title=one.exhibit.title,
        description=f"{one.exhibit.reproduce}; published values beside measured ones",
        width="fluid",
        blocks=[
            wr.TableOfContents(),
            wr.H1("Published and measured"),
            wr.MarkdownBlock(markdown([one])),
            wr.H1("Runs"),
            _runs(one),
            wr.H1("Tables with pictures, and where they come from"),
            _tables(one),
        ],
    )


def _runs(one: Reproduction) -> wr.PanelGrid:
    names = sorted({recipe.name for recipe in one.exhibit.recipes})
    runset = wr.Runset(
        name=", ".join(names),
        filters=expr.And(expr.Config("name").isin(names)),
        groupby=["config.training", "config.seed"],
        pinned_columns=[f"summary:{key}" for key in summary_keys(list(one.exhibit.shown))],
    )
    panels = [
        front("gmacs"),
        front("mib"),
        wr.LinePlot(title="training loss", x="Step", y=[LOSS], log_y=True),
        wr.MediaBrowser(title="try-ons", media_keys=list(PANELS)),
        wr.RunComparer(diff_only="split"),
    ]
    return wr.PanelGrid(runsets=[runset], panels=_laid(panels))


def _tables(one: Reproduction) -> wr.PanelGrid:
    runset = wr.Runset(
        name="tables",
        filters=expr.And(expr.Config("exhibit") == one.exhibit.name, expr.Metric("JobType") == RUN),
    )
    panels = [wr.WeavePanelSummaryTable(table_name=name) for name in ("cells", "rows", "try_ons")]
    panels.append(wr.WeavePanelArtifact(artifact=f"reproduction-{one.exhibit.name}", tab="lineage"))
    return wr.PanelGrid(runsets=[runset], panels=_laid(panels))


def _laid(panels: list) -> list:
    """Two beside each other."""
    for place, panel in enumerate(panels):
        panel.layout = wr.Layout(x=12 * (place % 2), y=8 * (place // 2), w=12, h=8)
    return panels
