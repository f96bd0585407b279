"""What a published table or figure consists of, and which runs measure the same; read from a16.yaml and jetson.yaml."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DETERMINISTIC, STATISTICAL = "deterministic", "statistical"


class Recipe(NamedTuple):
    """A sweep of conf/experiment, an analysis of it, or a command that leaves a CSV."""

    name: str
    profile: str
    committed: str  # rows of an earlier run of it, below experiments/
    command: str = ""  # that fills it where it is no sweep
    sheets: Sequence[str] = ()  # further CSVs in the folder of each run

    @property
    def key(self) -> str:
        """Name and profile, as columns refer to it.

        Example:
            >>> Recipe("t1_sizes", "full", "").key
            't1_sizes@full'
        """
        return f"{self.name}@{self.profile}"


class Column(NamedTuple):
    """A column of a paper.csv, and the number of a row that stands beside it."""

    name: str  # in paper.csv
    head: str
    recipe: str  # key of the recipe whose rows hold the number
    number: str  # column of the rows, such as "cost.igm/mib" or "scores.unpaired/fid"
    tolerance: float = 0.0  # share of the published value
    known: str = "none"  # rows whose definition is known, so that agreement is required: all, first, none
    where: Mapping[str, Any] = {}  # further values that the row must have
    only: str = ""  # the single published row that this is the column of
    form: str = "value"  # or share (per cent of the first row's), loss (per cent above the first row's), per_second
    scale: float = 1.0  # of the measured number, to the published unit
    needs: str = ""  # what is missing where no run fills it; by default the exhibit's

    @property
    def kind(self) -> str:
        """Costs follow from the architecture; scores and times depend on training and machine."""
        return DETERMINISTIC if self.number.startswith("cost.") else STATISTICAL


class Shown(NamedTuple):
    """A column of the measured rows of an exhibit; no published value stands beside it."""

    head: str
    number: str
    digits: int | None = None  # after the point; None: four significant ones
    optional: bool = False  # hidden on the page until it is selected, and left out of other forms


class Trend(NamedTuple):
    """A rank correlation with an expected sign: small networks differ from the published in height, not in order."""

    claim: str
    x: str  # key that was varied
    number: str
    sign: int
    where: Mapping[str, Any] = {}


class Comparison(NamedTuple):
    """A loss in per cent of the unpruned network's number, published and measured on each kind of data."""

    head: str
    published: str  # column of paper.csv, in per cent
    number: str  # column of the rows
    where: Mapping[str, Any] = {}
    note: str = ""  # what differs between the columns


class Exhibit(NamedTuple):
    """A published table, or figures that the same runs fill."""

    name: str
    covers: Sequence[str]  # names on the command line: "table 1", "figure f7"
    paper: str
    folder: str  # below experiments/
    title: str
    recipes: Sequence[Recipe] = ()
    rows: str = ""  # the column of paper.csv that names a row
    varied: str = ""  # the key of the runs that corresponds to it; "" where columns define the row
    columns: Sequence[Column] = ()
    shown: Sequence[Shown] = ()
    trends: Sequence[Trend] = ()
    comparison: Comparison | None = None
    needs: str = ""
    pictures: Sequence[str] = ()  # splits whose try-ons are shown side by side

    @property
    def command(self) -> str:
        """The command that runs what is missing of it; "" for runs that no paper asks for."""
        return f"vtryon reproduce {self.covers[0].replace(' ', '=')}" if self.covers else ""

    def recipe(self, key: str) -> Recipe:
        """The recipe that columns call `key`, such as "t1_sizes@full"."""
        return next(recipe for recipe in self.recipes if recipe.key == key)
