"""An exhibit with all that stands beside it: cells, measured rows, trends, contradictions, what is missing."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from vtryon.report.papers.consistency import Finding, lint
from vtryon.report.papers.exhibit import Exhibit, Recipe, Shown
from vtryon.report.tables.cells import Cell, cells
from vtryon.report.tables.comparison import Loss, losses
from vtryon.report.tables.from_supernet import Agreement, agreements
from vtryon.report.tables.lines import Correlation, Line, lines_of, rank_correlation
from vtryon.report.tables.measured import (
    baseline,
    committed,
    correlation_row,
    is_complete,
    no_rows,
    protocol_name,
    raise_unless_comparable,
    runs_below,
    runs_frame,
    short,
)
from vtryon.report.tables.rows import PROTOCOL, by_protocol, is_easy, is_number

Where = Callable[[Recipe], Path | None]  # the folder of a recipe's runs
DRAWN_PROFILE, PHOTOGRAPHS_PROFILE = "demo", "small"
SMALL_NEEDS = (
    "VITON (data.root=DIR) and a small student (runs/small, or parents.teacher=experiments/weights/small.safetensors)"
)
PHOTOGRAPHS_SHOWN = (  # what can be judged where no flow is known
    Shown("hair, face SSIM", "scores.unpaired/preserved_hair_face", 3),
    Shown("lower clothes SSIM", "scores.unpaired/preserved_lower", 3),
    Shown("garment dE", "scores.unpaired/garment_de", 2),
)
RUNS = (  # columns of runs that no paper asks for, and how many digits after the point
    Shown("M parameters", "cost.params_m", 3),
    Shown("GMACs", "cost.gmacs", 4),
    Shown("MiB", "cost.mib", 2),
    Shown("SSIM paired", "scores.paired/ssim", 4),
    Shown("SSIM unpaired", "scores.unpaired/ssim", 4),
    Shown("LPIPS", "scores.paired/lpips", 4),
    Shown("FID", "scores.unpaired/fid", 2),
    Shown("FD effnet", "scores.unpaired/fd_efficientnet", 2),
    Shown("MSE to teacher", "scores.unpaired/mse_to_teacher", 1),
    Shown("EPE px", "scores.paired/epe", 2),
    Shown("ms a try-on", "latency.median_ms", 1),
)


class Reproduction(NamedTuple):
    """All that is known of an exhibit."""

    exhibit: Exhibit
    paper: Sequence[Mapping[str, str]]
    cells: Sequence[Cell]
    lines: Sequence[Line]
    trends: Sequence[Correlation]
    findings: Sequence[Finding]
    rows: Mapping[str, pd.DataFrame]  # key of a recipe → its rows
    runs: pd.DataFrame  # the rows of `lines`, the baseline first
    baseline: pd.DataFrame  # the row of the unpruned network, or none
    sheets: Mapping[str, pd.DataFrame]  # CSVs of commands and analyses, by path
    missing: Sequence[str]
    losses: Sequence[Loss] = ()  # published, on real photographs and on drawn people, side by side
    agreements: Sequence[Agreement] = ()  # of networks from a supernet with own trainings

    @property
    def protocol(self) -> str:
        """Under which `lines` were judged."""
        return protocol_name(self.runs)

    @property
    def is_easy(self) -> bool:
        """Whether a table of it shows scores that need `PAIRED_NOTE`."""
        shown = [*(self.exhibit.columns if self.cells else ()), *(self.exhibit.shown if self.lines else ())]
        return any(is_easy(column.number.removeprefix("scores.")) for column in shown)


def reproductions(exhibit: Exhibit, where: Where, chain: Path, experiments: Path) -> list[Reproduction]:
    """Join paper.csv with the measured rows.

    Args:
        where: the folder of a recipe's runs; committed rows replace those it lacks.
        chain: folder of the stages' runs.
        experiments: with paper.csv and the committed rows.

    Returns:
        One with all cells and the rows of drawn people; then, where there are any, one with the rows of real
        photographs, since no table holds both.

    Raises:
        ValueError: where the rows of a table were judged under several protocols.
    """
    paper = read_lines(experiments / exhibit.folder / "paper.csv")
    rows, earlier, sheets = {}, {}, {}
    for recipe in exhibit.recipes:
        current = _runs_of(recipe, where(recipe))
        sheets |= _sheets(recipe, where(recipe), current, experiments)
        if recipe.command:
            rows[recipe.key] = _joined([correlation_row(file, lines) for file, lines in sheets.items()])
        else:
            earlier[recipe.key] = committed(recipe, experiments)
            rows[recipe.key] = _preferred(where(recipe), current, earlier[recipe.key])
        raise_unless_comparable(rows[recipe.key], f"{exhibit.title}, {recipe.key}")
    drawn, photographs = (
        _on_data(exhibit, profile, rows, chain, experiments) for profile in (DRAWN_PROFILE, PHOTOGRAPHS_PROFILE)
    )
    first = drawn._replace(
        paper=paper,
        rows=rows,
        cells=cells(exhibit, paper, rows, earlier),
        findings=lint(exhibit.name, paper),
        sheets=sheets,
        missing=_missing(exhibit, rows, sheets),
        losses=losses(exhibit, paper, [(data.runs, data.baseline) for data in (photographs, drawn)]),
    )
    return [first, photographs] if len(photographs.lines) else [first]


def _on_data(
    exhibit: Exhibit, profile: str, rows: Mapping[str, pd.DataFrame], chain: Path, experiments: Path
) -> Reproduction:
    """The rows of an exhibit on one kind of data, under the unpruned network's."""
    recipes = [recipe for recipe in exhibit.recipes if recipe.profile == profile and not recipe.command]
    sweeps = _joined([rows[recipe.key] for recipe in recipes])
    dense = baseline(sweeps, chain, experiments) if len(sweeps) else no_rows()
    runs = _joined([dense, sweeps])
    raise_unless_comparable(runs, f"{exhibit.title}, {profile}")
    trends = [measured for trend in exhibit.trends if (measured := rank_correlation(trend, sweeps))]
    if profile == PHOTOGRAPHS_PROFILE:
        head, _, rest = exhibit.title.partition(":")
        exhibit = exhibit._replace(name=f"{exhibit.name}-photographs", title=f"{head}, real photographs:{rest}")
        shown_columns = (column for column in exhibit.shown if not column.number.endswith("/epe"))
        exhibit = exhibit._replace(columns=(), shown=(*shown_columns, *PHOTOGRAPHS_SHOWN), folder="")
    lines, beside = lines_of(exhibit.shown, runs), agreements(sweeps)
    return Reproduction(exhibit, (), (), lines, trends, (), {}, runs, dense, {}, (), agreements=beside)


def report_of(paths: Sequence[Path], title: str = "Runs") -> list[Reproduction]:
    """Any runs as exhibits without a paper, one for each protocol; the dense student, if there, is the baseline."""
    frame = runs_frame(*paths)
    reports = []
    for number, members in enumerate(by_protocol([{PROTOCOL: judged} for judged in frame["judged"]])):
        runs = frame.iloc[members]
        exhibit = Exhibit(
            *(f"runs{number or ''}", (), "", "", title if not number else f"{title}, protocol {number + 1}"),
            shown=_shown(runs),
            pictures=("unpaired", "paired", "seen"),
        )
        dense = runs[runs["name"] == "student"].iloc[:1]
        lines = lines_of(exhibit.shown, runs)
        sheets, of_recipes = _drawn_sheets(runs), {"runs": runs}
        report = Reproduction(exhibit, (), (), lines, (), (), of_recipes, runs, dense, sheets, ())
        reports.append(report._replace(agreements=agreements(runs)))
    return reports


def _shown(runs: pd.DataFrame) -> tuple[Shown, ...]:
    """The columns of any runs: the usual ones that are filled, then every other number, hidden until selected."""
    filled = [column for column in runs if is_number(column) and runs[column].notna().any()]
    usual = [column for column in RUNS if column.number in filled]
    listed = {column.number for column in usual}
    return (*usual, *(Shown(column, column, optional=True) for column in filled if column not in listed))


def read_lines(path: Path) -> list[dict[str, str]]:
    """A CSV's lines; none where there is no such file, as of figures that print no values."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _runs_of(recipe: Recipe, folder: Path | None) -> pd.DataFrame:
    """The runs of a recipe, where its folder holds others as well."""
    frame = runs_below(folder) if folder and not recipe.command else no_rows()
    return frame[(frame["name"] == recipe.name) & frame["profile"].isin([recipe.profile, None])]


def _preferred(folder: Path | None, current: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """The runs made here, unless their sweep is not complete and the committed one is there."""
    if current.empty or (len(earlier) and folder is not None and not is_complete(folder)):
        return earlier
    return current


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else no_rows()


def _sheets(recipe: Recipe, folder: Path | None, current: pd.DataFrame, experiments: Path) -> dict[str, pd.DataFrame]:
    """The CSVs that a command or an analysis wrote: here, else the committed ones."""
    if recipe.command:
        files = {short(folder / "measured.csv"): folder / "measured.csv"} if folder else {}
    else:
        files = {short(run / name): run / name for run in current["folder"] for name in recipe.sheets}
    files = {name: file for name, file in files.items() if file.is_file()}
    if not files and (recipe.command or recipe.sheets):
        for file in sorted((experiments / recipe.committed).parent.glob("*.csv")):
            if file.name != "paper.csv":
                files[f"experiments/{file.parent.name}/{file.name}"] = file
    sheets = {name: pd.read_csv(file, dtype=str, keep_default_na=False) for name, file in files.items()}
    return {name: sheet for name, sheet in sheets.items() if len(sheet)}


def _drawn_sheets(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The CSVs that analyses among the runs left beside their figures, such as a supernet's budgets."""
    files = [file for folder in runs["folder"] for file in sorted((folder / "figures").glob("*.csv"))]
    return {short(file): pd.read_csv(file, dtype=str, keep_default_na=False) for file in files}


def _missing(exhibit: Exhibit, rows: Mapping[str, pd.DataFrame], sheets: Mapping) -> list[str]:
    """A sentence for each recipe without a row: what it needs, and the command that would fill it."""
    sentences = []
    for recipe in exhibit.recipes:
        if len(sheets if recipe.command or recipe.sheets else rows[recipe.key]):
            continue
        is_trained = recipe.profile != DRAWN_PROFILE and not recipe.name.endswith("_sizes")
        options = f" profile={recipe.profile} data.root=DIR" if is_trained else ""
        needs = exhibit.needs if is_trained or not exhibit.columns else "a run"
        needs = SMALL_NEEDS if recipe.profile == PHOTOGRAPHS_PROFILE else needs
        command = recipe.command or f"{exhibit.command}{options}"
        sentences.append(f"{recipe.name}, profile={recipe.profile}: needs {needs}. `{command}`")
    return sentences
