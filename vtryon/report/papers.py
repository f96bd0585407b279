"""Which published tables and figures there are, and which of them a command line asks for."""

from collections.abc import Mapping

from vtryon.report.exhibit import Exhibit
from vtryon.report.paper_a16 import A16
from vtryon.report.paper_jetson import JETSON

PAPERS = {"a16": A16, "jetson": JETSON}
ALL = (*A16, *JETSON)


def choose(asked: Mapping[str, list[str]]) -> list[Exhibit]:
    """The exhibits that are asked for, in the papers' order; all of them where nothing is.

    Args:
        asked: paper, table, figure → names: {"paper": ["a16"], "figure": ["f7", "f9"]}.

    Raises:
        ValueError: naming what there is.

    Example:
        >>> [exhibit.name for exhibit in choose({"table": ["2"], "figure": ["f9", "f7"]})]
        ['t2', 'f7']
    """
    known = {f"paper {paper}" for paper in PAPERS} | {cover for one in ALL for cover in one.covers}
    wanted = [f"{kind} {name}" for kind, names in asked.items() for name in names]
    for want in wanted:
        if want not in known:
            raise ValueError(f"{want.replace(' ', '=')}: there are {', '.join(_listed())}")
    return [one for one in ALL if not wanted or {f"paper {one.paper}", *one.covers} & set(wanted)]


def _listed() -> list[str]:
    return [*(f"paper={paper}" for paper in PAPERS), "table=1 to table=5", "figure=f1 to figure=f14"]
