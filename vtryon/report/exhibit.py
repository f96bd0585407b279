"""What a published table or figure consists of, and where its measured counterpart comes from."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DETERMINISTIC, STATISTICAL = "deterministic", "statistical"


class Recipe(NamedTuple):
    """A sweep of conf/experiment, an analysis of it, or a command that leaves a CSV."""

    name: str
    profile: str
    committed: str  # rows of an earlier run of it, below experiments/
    command: str = ""  # what fills it where it is no sweep
    sheets: Sequence[str] = ()  # CSVs in the folder of each run that say what its row does not


class Column(NamedTuple):
    """A column of a paper.csv, and the number of a row that stands beside it."""

    name: str  # in paper.csv
    head: str
    kind: str
    recipe: str
    group: str
    key: str
    tolerance: float = 0.0  # share of the published value
    known: str = "none"  # rows whose definition is known, so that agreement is due: all, first, none
    where: Mapping[str, Any] = {}  # further values that the row must have
    only: str = ""  # the one published row that this is the column of
    form: str = "value"  # or share (per cent of the first row's), loss (per cent above the first row's), per_second
    scale: float = 1.0  # of the measured number, to the published unit
    needs: str = ""  # what is missing where no run fills it; by default the exhibit's


class Shown(NamedTuple):
    """A column of the rows that the demo profile measures; nothing published stands beside it."""

    head: str
    group: str
    key: str
    digits: int


class Trend(NamedTuple):
    """A rank correlation that has to have a sign: the demo's heights differ from the published, its order need not."""

    says: str
    x: str  # key that was varied
    group: str
    key: str
    sign: int
    where: Mapping[str, Any] = {}


class Exhibit(NamedTuple):
    """One published table, or figures that the same runs fill."""

    name: str
    covers: Sequence[str]  # what asks for it: "table 1", "figure f7"
    paper: str
    folder: str  # below experiments/
    title: str
    recipes: Sequence[Recipe]
    rows: str = ""  # the column of paper.csv that names a row
    varied: str = ""  # the key of the runs that it corresponds to; "" where columns say it all
    columns: Sequence[Column] = ()
    shown: Sequence[Shown] = ()
    trends: Sequence[Trend] = ()
    needs: str = ""
    pictures: Sequence[str] = ()  # splits whose try-ons stand side by side

    @property
    def reproduce(self) -> str:
        """The command that runs what is missing of it."""
        first = self.covers[0].split()
        return f"vtryon reproduce {first[0]}={first[1]}"

    def recipe(self, name: str) -> Recipe:
        return next(recipe for recipe in self.recipes if f"{recipe.name}@{recipe.profile}" == name)
