"""The published tables and figures of both papers, and which of them a command line selects."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from vtryon.report.papers.exhibit import Column, Comparison, Exhibit, Recipe, Shown, Trend

TYPES = {"recipes": Recipe, "columns": Column, "shown": Shown, "trends": Trend}


def read_exhibits(paper: str) -> tuple[Exhibit, ...]:
    """The exhibits that PAPER.yaml beside this file describes, in its order."""
    text = files("vtryon.report.papers").joinpath(f"{paper}.yaml").read_text(encoding="utf-8")
    return tuple(_exhibit(paper, fields) for fields in yaml.safe_load(text)["exhibits"])


def _exhibit(paper: str, fields: Mapping[str, Any]) -> Exhibit:
    records = dict(fields)
    for name, record in TYPES.items():
        records[name] = tuple(record(**_frozen(item)) for item in fields.get(name, ()))
    if "comparison" in fields:
        records["comparison"] = Comparison(**fields["comparison"])
    return Exhibit(paper=paper, **records)


def _frozen(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples, so that a record may be a key."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


PAPERS = {paper: read_exhibits(paper) for paper in ("a16", "jetson")}
ALL = (*PAPERS["a16"], *PAPERS["jetson"])


def choose(selection: Mapping[str, list[str]]) -> list[Exhibit]:
    """The selected exhibits in the papers' order; all of them where the selection is empty.

    Args:
        selection: paper, table, figure → names: {"paper": ["a16"], "figure": ["f7", "f9"]}.

    Raises:
        ValueError: a name that no paper has; the message lists the names.

    Example:
        >>> [exhibit.name for exhibit in choose({"table": ["2"], "figure": ["f9", "f7"]})]
        ['t2', 'f7']
    """
    names = {f"{kind} {name}" for kind, listed in selection.items() for name in listed}
    available = {f"paper {paper}" for paper in PAPERS}
    for exhibit in ALL:
        available.update(exhibit.covers)
    for name in sorted(names - available):
        papers = ", ".join(f"paper={paper}" for paper in PAPERS)
        raise ValueError(f"{name.replace(' ', '=')}: there are {papers}, table=1 to table=5, figure=f1 to figure=f14")
    return [exhibit for exhibit in ALL if not names or names & {f"paper {exhibit.paper}", *exhibit.covers}]
