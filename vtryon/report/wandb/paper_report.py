"""A wandb report for each published table: printed and measured values, and the runs behind them."""

import wandb_workspaces.expr as expr
import wandb_workspaces.reports.v2 as wr

from vtryon.report.render.documents import markdown
from vtryon.report.tables.reproduction import Reproduction
from vtryon.report.wandb.workspace import PANELS, front, loss_plot, summary_keys

RUN = "reproduction"  # job type of the runs that hold the tables


def paper_report(report: Reproduction, entity: str, project: str) -> wr.Report:
    """The report that `save()` would send; its sets of runs name no project, so they are of the report's."""
    return wr.Report(
        entity=entity,
        project=project,
        title=report.exhibit.title,
        description=f"{report.exhibit.command}; published values beside measured ones",
        width="fluid",
        blocks=[
            wr.TableOfContents(),
            wr.H1("Published and measured"),
            wr.MarkdownBlock(markdown([report])),
            wr.H1("Runs"),
            _runs(report),
            wr.H1("Tables with pictures, and their provenance"),
            _tables(report),
        ],
    )


def _runs(report: Reproduction) -> wr.PanelGrid:
    names = sorted({recipe.name for recipe in report.exhibit.recipes})
    runset = wr.Runset(
        name=", ".join(names),
        filters=expr.And(expr.Config("name").isin(names)),
        groupby=["config.training", "config.seed"],
        pinned_columns=[f"summary:{key}" for key in summary_keys(report.exhibit.shown)],
    )
    browser = wr.MediaBrowser(title="try-ons", media_keys=list(PANELS))
    panels = [front("gmacs"), front("mib"), loss_plot(), browser, wr.RunComparer(diff_only="split")]
    return wr.PanelGrid(runsets=[runset], panels=_two_abreast(panels))


def _tables(report: Reproduction) -> wr.PanelGrid:
    runset = wr.Runset(
        name="tables",
        filters=expr.And(expr.Config("exhibit") == report.exhibit.name, expr.Metric("JobType") == RUN),
    )
    panels = [wr.WeavePanelSummaryTable(table_name=name) for name in ("cells", "rows", "try_ons")]
    panels.append(wr.WeavePanelArtifact(artifact=f"reproduction-{report.exhibit.name}", tab="lineage"))
    return wr.PanelGrid(runsets=[runset], panels=_two_abreast(panels))


def _two_abreast(panels: list) -> list:
    for number, panel in enumerate(panels):
        panel.layout = wr.Layout(x=12 * (number % 2), y=8 * (number // 2), w=12, h=8)
    return panels
